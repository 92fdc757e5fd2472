"""An INSERT for each request: the report is read, measured, and put into ClickHouse at once."""

from __future__ import annotations

import os
import sys
from typing import Any

from beats import beats_row, connected, decode, insert, measured, view_row
from confluent_kafka import Consumer

from tests.bench.meter import Meter

TOPIC, GROUP = sys.argv[1:3]
meter = Meter.from_environment()
consumer: Any = Consumer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "group.id": GROUP,
        "auto.offset.reset": "earliest",
    }
)
consumer.subscribe([TOPIC])
client = connected()
meter.start()
while True:
    for message in consumer.consume(1000, 1.0):
        data = decode(message.value())
        insert(client, "peer_beats", [beats_row(data, message.offset())])
        insert(client, "peer_views", [view_row(measured(data), message.offset())])
        meter.count(2)
