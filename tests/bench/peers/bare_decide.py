"""confluent-kafka and fastavro: read, count by key, write one event with all headers. The floor of a decider.

No state outlives it, no fence, no marks, no repeats: what is left is what any decider in Python pays.
"""

from __future__ import annotations

import io
from hashlib import blake2b

import fastavro
from common import BROKER, GROUP, TOPIC, decode, meter, parsed
from confluent_kafka import Consumer, Producer

COUNTED = parsed("Counted")
consumer = Consumer(
    {
        "bootstrap.servers": BROKER,
        "group.id": GROUP,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 6000,
    }
)
producer = Producer(
    {
        "bootstrap.servers": BROKER,
        "enable.idempotence": True,
        "compression.type": "lz4",
        "queue.buffering.max.messages": 1_000_000,
    }
)
consumer.subscribe([TOPIC])
counts: dict[str, int] = {}
while True:
    messages = [message for message in consumer.consume(1000, 1.0) if message.error() is None]
    for message in messages:
        event = decode(message.value())
        asked = dict(message.headers())
        user = event["user"]
        count = counts[user] = counts.get(user, 0) + 1
        out = io.BytesIO()
        out.write(b"\x00\x00\x00\x00\x01")
        fastavro.schemaless_writer(out, COUNTED, {**event, "count": count})
        src = f"bench.peer|{TOPIC}|{message.partition()}|{message.offset()}|0".encode()
        ce_id = blake2b(src, digest_size=16).hexdigest().encode()
        headers = [
            ("ce_id", ce_id),
            ("ce_specversion", b"1.0"),
            ("ce_type", b"kinolog.bench.Counted"),
            ("ce_source", b"kinolog/bench.peer"),
            ("content-type", b"application/avro"),
            ("ce_time", asked["ce_time"]),
            ("traceparent", asked["traceparent"][:36] + ce_id[:16] + b"-01"),
            ("causation_id", asked["ce_id"]),
            ("src", src),
        ]
        at_ms = message.timestamp()[1]
        producer.produce("bench.peer.events", out.getvalue(), user, headers=headers, timestamp=at_ms)
    producer.flush()
    meter.count(len(messages))
