"""confluent-kafka, fastavro and redis: read, fold by key, write as a projector. The floor of one.

A document a key, a place in an ordered set, and the outcome of each request, in one call of a script for up
to 1,000 events. No fence, no marks: what is left is what any projector in Python pays.
"""

from __future__ import annotations

import os
from typing import Any

import orjson
import redis
from common import BROKER, GROUP, TOPIC, decode, meter
from confluent_kafka import Consumer

# KEYS: states, order, outcomes. ARGV: two counts (states, places), their pairs, the outcomes' documents.
WRITE = """
local at = 3
local function put(command, key, count)
  if count > 0 then redis.call(command, key, unpack(ARGV, at, at + 2 * count - 1)) end
  at = at + 2 * count
end
put('HSET', KEYS[1], tonumber(ARGV[1]))
put('ZADD', KEYS[2], tonumber(ARGV[2]))
for i = 3, #KEYS do redis.call('SET', KEYS[i], ARGV[at + i - 3], 'EX', 600) end
"""

consumer = Consumer(
    {
        "bootstrap.servers": BROKER,
        "group.id": GROUP,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 6000,
    }
)
client: Any = redis.Redis.from_url(os.environ["REDIS_URL"])
write = client.register_script(WRITE)
consumer.subscribe([TOPIC])
while True:
    messages = [message for message in consumer.consume(1000, 1.0) if message.error() is None]
    if not messages:
        continue
    states: dict[str, dict[str, Any]] = {}
    places: list[Any] = []
    outcomes: dict[str, bytes] = {}
    for message in messages:
        event = decode(message.value())
        headers = dict(message.headers())
        user = event["user"]
        states[user] = {"count": event["count"], "last": event["n"], "user": user}
        places += (message.timestamp()[1], user)
        told = orjson.dumps({"type": headers["ce_type"].decode()})
        outcomes["{bench.peer}:outcome:" + headers["causation_id"].decode()] = told
    documents = [part for user, state in states.items() for part in (user, orjson.dumps(state))]
    write(
        ["{bench.peer}:state", "{bench.peer}:recent", *outcomes],
        [len(states), len(messages), *documents, *places, *outcomes.values()],
    )
    meter.count(len(messages))
