"""confluent-kafka, consume(1000), fastavro, and the headers: the floor under everything written in Python."""

from __future__ import annotations

from common import BROKER, GROUP, TOPIC, decode, touch
from confluent_kafka import Consumer

consumer = Consumer(
    {
        "bootstrap.servers": BROKER,
        "group.id": GROUP,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 6000,
    }
)
consumer.subscribe([TOPIC])
while True:
    for message in consumer.consume(1000, 1.0):
        if message.error() is None:
            message.headers()  # parsed only when asked for; every other side's client does so itself
            touch(decode(message.value()))
