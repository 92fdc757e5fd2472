"""What the timer agent keeps of what it is told, and what it emits when."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.event import Event, deterministic_id
from schemas.keys import tag
from schemas.wire import codec
from schemas.wiring import TIMER_DUE
from streams.core.producer import Record
from streams.engine.ops import Op
from streams.engine.outputs import Encoder
from streams.engine.store import Snapshot
from streams.engine.timers import CANCELLED, SET, TimerFold, Timers

TOPIC = "media.asset.requests"
EMPTY = Snapshot(-1, {}, {})
TAG = tag("engine.timer", 1, 0)


def told(type: str, timer_id: str, offset: int = 0, **data: Any) -> Event:
    return Event(type, timer_id, {"timer_id": timer_id, **data}, id=f"c{offset}", trace="t", offset=offset)


def set_for(timer_id: str, due_at_ms: int, offset: int = 0, topic: str = TOPIC) -> Event:
    return told(SET, timer_id, offset, due_at_ms=due_at_ms, topic=topic, key="asset-1", note="n")


def test_set_cancelled_and_set_anew() -> None:
    events = [set_for("a", 100), set_for("b", 50, 1), told(CANCELLED, "b", 2), set_for("a", 70, 3)]
    folded = TimerFold([TOPIC])(events, EMPTY)
    assert folded.outputs == []
    assert folded.failed == {}
    assert list(folded.effects.states) == ["a", "b"]
    assert folded.effects.states["b"] is None
    assert orjson.loads(folded.effects.states["a"] or b"")["due_at_ms"] == 70
    assert folded.effects.ops == [
        Op("ZADD", "due", 100, "a"), Op("ZADD", "due", 50, "b"), Op("ZREM", "due", "b"),
        Op("ZADD", "due", 70, "a"),
    ]  # fmt: skip


def test_a_timer_for_an_unknown_topic_fails_alone() -> None:
    folded = TimerFold([TOPIC])([set_for("a", 1, 4, topic="elsewhere"), set_for("b", 2, 5)], EMPTY)
    assert list(folded.effects.states) == ["b"]
    assert "'elsewhere', which is not on the map" in str(folded.failed[4])


def test_a_timer_for_nobody_fails_alone() -> None:
    for_nobody = told(SET, "a", 4, due_at_ms=1, topic=TOPIC, key="", note="")
    folded = TimerFold([TOPIC])([for_nobody, set_for("b", 2, 5)], EMPTY)
    assert list(folded.effects.states) == ["b"]
    assert folded.effects.ops == [Op("ZADD", "due", 2, "b")]
    assert "empty key" in str(folded.failed[4])


class Shelf:
    """The few commands that firing needs, in memory."""

    def __init__(self, *timers: Event) -> None:
        self.state: dict[str, bytes] = {}
        self.due: dict[str, int] = {}
        for event in timers:
            self.put(event)

    def put(self, event: Event) -> None:
        effects = TimerFold([TOPIC])([event], EMPTY).effects
        self.state |= {key: document for key, document in effects.states.items() if document is not None}
        self.due[event.data["timer_id"]] = event.data["due_at_ms"]

    async def zrangebyscore(self, key: str, low: str, high: int, start: int, num: int) -> list[str]:
        ordered = sorted(self.due, key=lambda timer_id: (self.due[timer_id], timer_id))
        return [timer_id for timer_id in ordered if self.due[timer_id] <= high][start : start + num]

    async def hmget(self, key: str, ids: list[str]) -> list[bytes | None]:
        return [self.state.get(timer_id) for timer_id in ids]

    async def zrem(self, key: str, timer_id: str) -> None:
        del self.due[timer_id]

    async def eval(
        self, script: str, count: int, state: str, due: str, timer_id: str, document: bytes
    ) -> int:
        if self.state.get(timer_id) != document:
            return 0
        del self.state[timer_id], self.due[timer_id]
        return 1


class Log:
    """What was emitted. `while_flushing` is what happens between emitting and forgetting."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.while_flushing: Any = None

    def send(self, records: list[Record]) -> None:
        self.records += records

    async def flushed(self) -> None:
        if self.while_flushing is not None:
            self.while_flushing()

    def said(self) -> list[tuple[str, int]]:
        """(timer, due time) of each reminder."""
        found = [codec().decode(record.value) for record in self.records]
        assert {kind for kind, _ in found} <= {TIMER_DUE}
        return [(data["timer_id"], data["due_at_ms"]) for _, data in found]


class OneTag:
    def tag(self, partition: int) -> str:
        return TAG


def timers(shelf: Shelf, log: Log) -> Timers:
    encoder = Encoder(codec(), "engine.timer", (TOPIC,), 900_000)
    agent: Any = None
    store: Any = OneTag()
    outputs: Any = log
    return Timers(agent, store, shelf, outputs, encoder, {0: 0})


async def test_what_is_due_is_emitted_once_in_order_and_never_early() -> None:
    shelf, log = Shelf(set_for("late", 300), set_for("b", 200), set_for("a", 100)), Log()
    due = timers(shelf, log)
    assert await due.fire(0, 99) == 0
    assert await due.fire(0, 200) == 2
    assert await due.fire(0, 200) == 0
    assert log.said() == [("a", 100), ("b", 200)]
    assert shelf.due == {"late": 300}


async def test_a_time_in_the_past_is_due_at_once() -> None:
    log = Log()
    assert await timers(Shelf(set_for("a", 0)), log).fire(0, 1_700_000_000_000) == 1
    assert log.said() == [("a", 0)]


async def test_a_reminder_says_for_whom_and_because_of_what() -> None:
    log = Log()
    await timers(Shelf(set_for("a", 100)), log).fire(0, 150)
    (record,) = log.records
    headers = dict(record.headers)
    assert (record.topic, record.key, record.at_ms) == (TOPIC, "asset-1", 150)
    assert headers["ce_id"].decode() == deterministic_id("timer", "a", "100")
    assert headers["causation_id"] == b"c0"
    assert "src" not in headers


async def test_a_life_that_died_before_forgetting_repeats_the_same_id() -> None:
    shelf, log = Shelf(set_for("a", 100)), Log()

    def killed() -> None:
        raise KeyboardInterrupt

    log.while_flushing = killed
    with pytest.raises(KeyboardInterrupt):
        await timers(shelf, log).fire(0, 100)
    log.while_flushing = None
    await timers(shelf, log).fire(0, 5000)
    assert log.said() == [("a", 100), ("a", 100)]
    assert len({dict(record.headers)["ce_id"] for record in log.records}) == 1


async def test_a_timer_set_anew_while_its_reminder_is_emitted_stays() -> None:
    shelf, log = Shelf(set_for("a", 100)), Log()
    log.while_flushing = lambda: shelf.put(set_for("a", 900, 1))
    due = timers(shelf, log)
    await due.fire(0, 100)
    log.while_flushing = None
    assert shelf.due == {"a": 900}
    await due.fire(0, 900)
    assert log.said() == [("a", 100), ("a", 900)]
    assert len({dict(record.headers)["ce_id"] for record in log.records}) == 2


async def test_a_place_in_the_order_without_a_document_is_cleared() -> None:
    shelf, log = Shelf(), Log()
    shelf.due["gone"] = 5
    await timers(shelf, log).fire(0, 10)
    assert shelf.due == {}
    assert log.records == []


async def test_a_reminder_that_no_event_can_carry_does_not_hold_up_the_others() -> None:
    """Kept by an earlier version, which took a timer without a key."""
    shelf, log = Shelf(set_for("a", 1), set_for("b", 2)), Log()
    shelf.state["a"] = orjson.dumps({**orjson.loads(shelf.state["a"]), "key": ""})
    assert await timers(shelf, log).fire(0, 10) == 2
    assert log.said() == [("b", 2)]
    assert shelf.due == {}
