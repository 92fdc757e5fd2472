"""Where a key lives: its Kafka partition and the Redis hash tag of that partition.

Every producer uses Java's default partitioner (murmur2), so that a gateway can tell from a key alone
which partition, and so which projection tag, holds it. librdkafka's own default differs: the producer
settings in `streams.core.producer` name murmur2 explicitly.
"""

from __future__ import annotations

from typing import Final

PARTITIONER: Final = "murmur2"  # librdkafka's name of Java's default partitioner

DLQ_SUFFIX: Final = ".dlq"
GROUP_PREFIX: Final = "kinolog."  # and an app's name: the consumer group of its workers

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Unsigned 32-bit murmur2 of `data`, as `org.apache.kafka.common.utils.Utils.murmur2` (there signed)."""
    length = len(data)
    h = (_SEED ^ length) & _MASK
    whole = length & ~3
    for i in range(0, whole, 4):
        k = (int.from_bytes(data[i : i + 4], "little") * _M) & _MASK
        k ^= k >> 24
        h = ((h * _M) & _MASK) ^ ((k * _M) & _MASK)
    if whole != length:
        h = ((h ^ int.from_bytes(data[whole:], "little")) * _M) & _MASK
    h ^= h >> 13
    h = (h * _M) & _MASK
    return h ^ (h >> 15)


def partition_of(key: str, partitions: int) -> int:
    """Partition of `key` on a topic of `partitions` partitions (1 or more)."""
    if partitions < 1:
        raise ValueError(f"partitions is {partitions}, expected at least 1: give the topic's own count")
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def tag(name: str, version: int, partition: int) -> str:
    """Redis hash tag that all keys of one (projection or decider, version, input partition) share."""
    return f"{{{name}:{version}:{partition}}}"


def pointer_key(name: str) -> str:
    """Redis key holding a projection's current version as decimal text; absent means 1.

    `name` is the projector's, or in ClickHouse the table's: all that write to it go over together.
    """
    return f"pointer:{{{name}}}"


def table_of(table: str, version: int) -> str:
    """ClickHouse table that holds one version of the projection `table`; the first has the plain name."""
    return table if version == 1 else f"{table}_v{version}"


def dlq_of(topic: str) -> str:
    """Name of a topic's dead-letter topic, by convention."""
    return topic + DLQ_SUFFIX
