"""bytewax: its Kafka source, in batches of 1000."""

from __future__ import annotations

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, run_main
from common import BROKER, TOPIC, decode, touch

flow = Dataflow("touch")
source = KafkaSource([BROKER], [TOPIC], batch_size=1000, add_config={"auto.offset.reset": "earliest"})
stream = op.input("in", flow, source)


def handled(message: object) -> None:
    touch(decode(message.value))  # type: ignore[attr-defined]


op.output("out", op.filter_map("touch", stream, handled), TestingSink([]))
run_main(flow)
