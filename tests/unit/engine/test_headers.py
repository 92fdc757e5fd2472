"""A record whose headers nobody can read is a dead letter of every kind of agent, and stops none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from schemas.errors import WireError
from schemas.event import Event
from schemas.headers import output_headers, request_headers
from streams.engine import Op, Out, projector
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.deciders import DeciderFold
from streams.engine.history import History
from streams.engine.outputs import Encoder
from streams.engine.projectors import ProjectorFold
from streams.engine.runners import TapRunner
from streams.engine.timers import TimerFold
from streams.engine.transact import Fold, Transactor
from tests.unit.engine.model import DirectOutputs, LogRecord, ModelLog, ModelProducer, ModelStore, chaos_codec
from tests.unit.engine.test_deciders import drive
from tests.unit.engine.test_workers import Arrival, toil
from tests.unit.engine.test_workers import Bench as WorkerBench

TOPIC, TYPE = "chaos.a.requests", "kinolog.chaos.Asked"
BAD: list[tuple[str, Any]] = [
    ("src", b"garbage"), ("src", b"a|t|0|one|2"), ("src", b"a|t|0|1|65536"), ("src", b"a|t|0|-1|0"),
    ("src", b"\xff|t|0|1|2"), ("src", None), ("ce_id", b"\xff"), ("ce_id", None), ("causation_id", b"\xff"),
    ("traceparent", b"\xff"), ("redrive_agent", None),
]  # fmt: skip


def record(offset: int, *more: tuple[str, Any]) -> LogRecord:
    kept = [pair for pair in request_headers(TYPE, "t", f"id-{offset}", 5) if pair[0] not in dict(more)]
    return LogRecord(offset, 5, b"k", chaos_codec().encode(TYPE, {"rid": "r"}), [*kept, *more])


def counted(state: dict[str, Any] | None, event: Event) -> tuple[dict[str, Any], list[Any]]:
    return {"n": (state or {"n": 0})["n"] + 1}, []


def folds() -> list[Callable[[], Fold]]:
    encoder = Encoder(chaos_codec(), "x", [], 5000)
    return [
        lambda: DeciderFold("x", TOPIC, "chaos.a.events", counted, encoder),
        lambda: ProjectorFold(counted),
        lambda: TimerFold(()),
    ]


@pytest.mark.parametrize("bad", BAD, ids=str)
@pytest.mark.parametrize("fold", folds())
def test_fenced_agents(fold: Callable[[], Fold], bad: tuple[str, Any]) -> None:
    log, store = ModelLog(1), ModelStore(50)
    outputs: Any = DirectOutputs(ModelProducer(log))
    applier = Transactor("x", chaos_codec(), store, fold(), outputs, DeadLetters("x", "g"))
    drive(applier.apply(Chunk(TOPIC, 0, 0, (record(0, bad),))))
    (letter,) = log.topics[f"{TOPIC}.dlq"][0]
    assert letter.value == record(0).value
    assert dict(letter.headers)["dlq_error"] == b"WireError"
    assert bad in letter.headers
    assert store.partitions[0].fence == 0


@pytest.mark.parametrize("bad", [("ce_id", b"\xff"), ("traceparent", b"\xff"), ("ce_id", None)], ids=str)
@pytest.mark.parametrize("fold", folds())
def test_of_an_output_what_is_asked_for_must_be_readable(
    fold: Callable[[], Fold], bad: tuple[str, Any]
) -> None:
    """Id and trace of an agent's output are read when asked for: who never asks applies the event."""
    log, store = ModelLog(1), ModelStore(50)
    outputs: Any = DirectOutputs(ModelProducer(log))
    headers = output_headers(TYPE, "a", "a|t|0", 0, 0, 5, "r", "")
    at = [name for name, _ in headers].index(bad[0])
    made = record(0)
    broken = LogRecord(0, 5, made.key, made.value, [*headers[:at], bad, *headers[at + 1 :]])
    asking = ProjectorFold(lambda state, event: ({"id": event.id, "trace": event.trace}, []))
    for number, each in enumerate((fold(), asking)):
        applier = Transactor("x", chaos_codec(), store, each, outputs, DeadLetters("x", "g"))
        drive(applier.apply(Chunk(TOPIC, number, 0, (broken,))))
        assert store.partitions[number].fence == 0
    assert store.partitions[1].states == {}
    letter = log.topics[f"{TOPIC}.dlq"][0][-1]
    assert (letter.value, dict(letter.headers)["dlq_partition"]) == (made.value, b"1")


class FakeTable:
    """The last offset inserted is the fence."""

    highest = -1

    async def fence(self, topic: str, partition: int) -> int:
        return self.highest

    async def fences(self, topic: str, seen: dict[int, int]) -> dict[int, int]:
        return dict.fromkeys(seen, self.highest)

    async def insert(self, rows: list[dict[str, Any]], token: str) -> None:
        self.highest = max(row["offset"] for row in rows)


@pytest.mark.parametrize("bad", [*BAD, ("ce_source", b"\xff"), ("ce_source", None)], ids=str)
async def test_history(bad: tuple[str, Any]) -> None:
    log, table = ModelLog(1), FakeTable()
    outputs: Any = DirectOutputs(ModelProducer(log))

    def rows(event: Event) -> list[dict[str, Any]]:
        return [{"offset": event.offset, "id": event.id, "source": event.source}]

    table_: Any = table
    history = History("x", chaos_codec(), table_, rows, outputs, DeadLetters("x", "g"))
    await history.apply(Chunk(TOPIC, 0, 0, (record(0, bad), record(1))))
    (letter,) = log.topics[f"{TOPIC}.dlq"][0]
    assert dict(letter.headers)["dlq_offset"] == b"0"
    assert table.highest == 1


async def test_history_passes_over_what_it_makes_no_rows_of_undecoded() -> None:
    log, table = ModelLog(1), FakeTable()
    outputs: Any = DirectOutputs(ModelProducer(log))

    @projector("x", types=("kinolog.chaos.Split",))
    def rows(event: Event) -> list[dict[str, Any]]:
        raise AssertionError(event)

    table_: Any = table
    history = History("x", chaos_codec(), table_, rows, outputs, DeadLetters("x", "g"))
    unreadable = LogRecord(1, 5, b"k", record(0).value[:5], [])
    await history.apply(Chunk(TOPIC, 0, 0, (record(0), unreadable)))
    assert (table.highest, log.topics) == (-1, {})


@pytest.mark.parametrize("bad", BAD, ids=str)
async def test_workers(bad: tuple[str, Any]) -> None:
    bench, arrival = WorkerBench(toil), Arrival(0, "w", "r")
    good = arrival.value.records[0]
    kept = [pair for pair in good.headers if pair[0] != bad[0]]
    broken = LogRecord(0, 5, good.key, good.value, [*kept, bad])
    arrival.value = Chunk(arrival.value.topic, 0, 0, (broken,), 1)
    bench.runner.submit(arrival)
    await asyncio.wait_for(arrival.acked.wait(), 60)
    await bench.stop()
    assert [sent.topic for sent in bench.outputs.sent] == [f"{arrival.value.topic}.dlq"]
    assert bench.ended == []


def test_a_tap_passes_over_it() -> None:
    seen: list[str] = []
    ended: list[str] = []
    end: Any = ended.append
    tap = TapRunner(chaos_codec(), lambda event: seen.append(event.id), end, "tap")

    class OnLane:
        value = Chunk(TOPIC, 0, 0, (record(0, ("src", b"garbage")), record(1)))
        acked = False

        def ack(self) -> bool:
            self.acked = True
            return True

    event = OnLane()
    tap.submit(event)
    assert (seen, ended, event.acked) == (["id-1"], [], True)


def test_it_says_which_header() -> None:
    bad = record(0, ("src", b"garbage"))
    event = chaos_codec().event(TOPIC, 0, 0, 5, bad.key, bad.value, bad.headers)
    with pytest.raises(WireError, match=r"Asked has an unreadable header.*garbage"):
        _ = event.src


def test_a_refusal_is_told_though_no_key_changed() -> None:
    """Who waits for the request's outcome hears the note, which names the key of the answer."""
    store = ModelStore()
    fold = ProjectorFold(lambda state, event: (state, [Op("SADD", "x", 1)]), clock_ms=lambda: 5)
    outputs: Any = DirectOutputs(ModelProducer(ModelLog(1)))
    applier = Transactor("x", chaos_codec(), store, fold, outputs, DeadLetters("x", "g"))
    refused = "kinolog.engine.RequestRefused"
    out = Out("chaos.a.events", "k", refused, {
        "request_id": "r", "request_type": TYPE, "code": "no", "detail": "No.",
    })  # fmt: skip
    made = Encoder(chaos_codec(), "a", ["chaos.a.events"], 5000).output(
        out, "a|t|0", Event(TYPE, "k", {}, id="r", at_ms=5), 0
    )
    answer = LogRecord(0, 5, b"k", made.value, made.headers)
    drive(applier.apply(Chunk("chaos.a.events", 0, 0, (answer,))))
    assert store.partitions[0].notes == [b'["k"]']
    assert list(store.partitions[0].outcomes) == ["r:k"]
    assert store.partitions[0].states == {}
