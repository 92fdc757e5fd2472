"""quixstreams: bytes in, decoded and touched in one step."""

from __future__ import annotations

import logging
import tempfile

from common import BROKER, GROUP, TOPIC, decode, touch
from quixstreams import Application

logging.disable(logging.INFO)
app = Application(
    broker_address=BROKER, consumer_group=GROUP, auto_offset_reset="earliest", auto_create_topics=False,
    state_dir=tempfile.mkdtemp(prefix="bench-quix-"), loglevel=None,
)  # fmt: skip
topic = app.topic(TOPIC, value_deserializer="bytes", key_deserializer="bytes")
app.dataframe(topic).update(lambda raw: touch(decode(raw)))
app.run()
