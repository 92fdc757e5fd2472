"""Keys land where Java's clients put them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.keys import dlq_of, murmur2, partition_of, pointer_key, tag

# From Apache Kafka's own UtilsTest.testMurmur2 (signed there).
JAVA_VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("data", JAVA_VECTORS)
def test_murmur2_is_javas(data: bytes) -> None:
    assert murmur2(data) == JAVA_VECTORS[data] & 0xFFFFFFFF


@given(st.text(), st.integers(1, 1024))
def test_a_partition_is_within_the_topic(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions


def test_no_partitions_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        partition_of("a", 0)


def test_names() -> None:
    assert tag("media.library", 2, 11) == "{media.library:2:11}"
    assert pointer_key("media.library") == "pointer:{media.library}"
    assert dlq_of("media.asset.events") == "media.asset.events.dlq"
