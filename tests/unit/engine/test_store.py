"""The model store keeps the contract; the arguments of a write are what the script expects."""

from __future__ import annotations

import pytest

from streams.engine.store import Effects, Op, written
from tests.unit.engine.model import ModelStore
from tests.unit.engine.store_contract import Make, StoreContract


class TestModelStore(StoreContract):
    @pytest.fixture
    def make(self) -> Make:
        return ModelStore


def test_every_key_of_a_write_carries_the_partitions_tag() -> None:
    effects = Effects(
        1,
        outcomes={"r": b"{}"},
        ops=[Op("ZADD", "recent", 1, "a"), Op("DEL", "x"), Op("ZREM", "recent", "b")],
    )
    keys, args = written("{n:1:0}", 0, effects)
    assert keys == [
        "{n:1:0}:meta", "{n:1:0}:state", "{n:1:0}:seen", "{n:1:0}:outcome:r", "{n:1:0}:recent", "{n:1:0}:x",
    ]  # fmt: skip
    assert args[-11:] == [5, 2, "ZADD", 1, "a", 6, 0, "DEL", 5, 1, "ZREM", "b"][-11:]


@pytest.mark.parametrize("command", ["FLUSHALL", "EVAL", "GET", "SCRIPT"])
def test_ops_are_a_closed_list(command: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        Op(command, "x")


@pytest.mark.parametrize("suffix", ["meta", "state", "seen", "outcome:1"])
def test_ops_leave_the_engines_own_keys_alone(suffix: str) -> None:
    with pytest.raises(ValueError, match="the engine's own"):
        Op("DEL", suffix)
