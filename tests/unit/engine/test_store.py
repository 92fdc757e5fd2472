"""The model store keeps the contract; the arguments of a write are what the script expects."""

from __future__ import annotations

import pytest

from streams.engine.ops import Op, merged
from streams.engine.store import Effects, written
from tests.unit.engine.model import ModelStore
from tests.unit.engine.store_contract import Make, StoreContract


class TestModelStore(StoreContract):
    @pytest.fixture
    def make(self) -> Make:
        return ModelStore


def test_every_key_of_a_write_carries_the_partitions_tag() -> None:
    effects = Effects(
        1,
        outcomes={"r": "done", "s": "refused", "t": "done"},
        ops=[Op("ZADD", "recent", 1, "a"), Op("DEL", "x"), Op("ZREM", "recent", "b")],
    )
    keys, args = written("{n:1:0}", 0, effects)
    assert keys == ["{n:1:0}:meta", "{n:1:0}:state", "{n:1:0}:seen", "{n:1:0}:recent", "{n:1:0}:x"]
    assert args[-18:-12] == ["done", b'["r","t"]', "", "refused", b'["s"]', ""]
    assert args[-12:] == [4, 2, "ZADD", 1, "a", 5, 0, "DEL", 4, 1, "ZREM", "b"]


@pytest.mark.parametrize("command", ["FLUSHALL", "EVAL", "GET", "SCRIPT"])
def test_ops_are_a_closed_list(command: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        Op(command, "x")


@pytest.mark.parametrize("suffix", ["meta", "state", "seen", "outcome:1"])
def test_ops_leave_the_engines_own_keys_alone(suffix: str) -> None:
    with pytest.raises(ValueError, match="the engine's own"):
        Op("DEL", suffix)


def test_neighbours_of_one_kind_are_one_command() -> None:
    ops = [
        Op("ZADD", "z", 1, "a"), Op("ZADD", "z", 2, "b"), Op("ZADD", "z", "GT", 3, "a"),
        Op("ZADD", "z", 4, "c"),
        Op("HSET", "h", "f", 1), Op("HSET", "h", "g", 2), Op("HINCRBY", "h", "f", 1),
        Op("HINCRBY", "h", "f", 1),
        Op("RPUSH", "l", "x"), Op("RPUSH", "m", "y"),
    ]  # fmt: skip
    assert merged(ops) == [
        ("ZADD", "z", [1, "a", 2, "b"]), ("ZADD", "z", ["GT", 3, "a"]), ("ZADD", "z", [4, "c"]),
        ("HSET", "h", ["f", 1, "g", 2]), ("HINCRBY", "h", ["f", 1]), ("HINCRBY", "h", ["f", 1]),
        ("RPUSH", "l", ["x"]), ("RPUSH", "m", ["y"]),
    ]  # fmt: skip


def test_of_one_field_or_member_only_the_last_is_sent() -> None:
    ops = [
        Op("ZADD", "z", 1, "a"), Op("ZADD", "z", 2, "b"), Op("ZADD", "z", 3, "a"), Op("HSET", "h", "f", 1),
        Op("HSET", "h", "f", 2), Op("ZADD", "z", 4, "a"), Op("RPUSH", "l", "x"), Op("RPUSH", "l", "x"),
    ]  # fmt: skip
    assert merged(ops) == [
        ("ZADD", "z", [3, "a", 2, "b"]), ("HSET", "h", ["f", 2]), ("ZADD", "z", [4, "a"]),
        ("RPUSH", "l", ["x", "x"]),
    ]  # fmt: skip


def test_members_that_only_redis_takes_for_one_stay_in_order() -> None:
    ops = [Op("ZADD", "z", score, member) for score, member in ((1, "7"), (2, 7), (3, "7"), (4, 7.0))]
    assert merged(ops) == [("ZADD", "z", [1, "7", 2, 7, 3, "7", 4, 7.0])]
    assert merged([Op("ZADD", "z", "GT", "CH", 2, "a", 1, "a")]) == [
        ("ZADD", "z", ["GT", "CH", 2, "a", 1, "a"])
    ]


def test_a_merged_command_fits_on_luas_stack() -> None:
    commands = merged([Op("SADD", "s", n) for n in range(9000)])
    assert [n for _, _, args in commands for n in args] == list(range(9000))
    assert max(len(args) for _, _, args in commands) <= 4000
