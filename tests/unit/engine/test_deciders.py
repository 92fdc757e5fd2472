"""A decider's fold: repeats, refusals, failures, and that chunk borders change nothing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.headers import request_headers
from streams.engine import Out, Refuse
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.deciders import DeciderFold
from streams.engine.errors import DeadLetterFlood
from streams.engine.outputs import Encoder
from streams.engine.transact import WINDOW_BLOCK, Transactor
from tests.unit.engine.model import DirectOutputs, LogRecord, ModelLog, ModelProducer, ModelStore, chaos_codec

TOPIC, EVENTS = "chaos.a.requests", "chaos.a.events"


def decide(state: dict[str, Any] | None, event: Event) -> tuple[dict[str, Any] | None, list[Out]]:
    state = state or {"n": 0}
    rid = event.data["rid"]
    if rid == "no":
        raise Refuse("not_today", "Ask tomorrow.")
    if rid == "gone":
        return None, []
    state["n"] += 1  # in place: the engine must survive functions that are less pure than they should be
    if rid == "bug":
        raise KeyError("boom")
    if rid == "large":
        return state, [Out(EVENTS, event.key, "kinolog.chaos.Split", {"rid": "x" * 5000, "j": 0, "n": 1})]
    return state, [Out(EVENTS, event.key, "kinolog.chaos.Split", {"rid": rid, "j": 0, "n": state["n"]})]


def asked(offset: int, rid: str, ce_id: str = "", at_ms: int = 0, key: str = "k") -> LogRecord:
    at_ms = at_ms or 1000 + offset
    headers = request_headers("kinolog.chaos.Asked", "test", ce_id or f"id-{offset}", at_ms)
    return LogRecord(
        offset, at_ms, key.encode(), chaos_codec().encode("kinolog.chaos.Asked", {"rid": rid}), headers
    )


class Bench:
    """A decider on models; `told` is what it emitted, decoded."""

    def __init__(self, window: int = 50, limit: int = 5, reads: str = TOPIC) -> None:
        self.store, self.log = ModelStore(window), ModelLog(1)
        outputs: Any = DirectOutputs(ModelProducer(self.log))
        encoder = Encoder(chaos_codec(), "chaos.a", [EVENTS], 5000)
        fold = DeciderFold("chaos.a", reads, EVENTS, decide, encoder)
        letters = DeadLetters("chaos.a", "g", limit)
        self.transactor = Transactor("chaos.a", chaos_codec(), self.store, fold, outputs, letters)

    def apply(self, *records: LogRecord) -> None:
        life = self.transactor.apply(Chunk(TOPIC, 0, self.store.partitions[0].fence + 1, records))
        try:
            while True:
                life.send(None)
        except StopIteration:
            return

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        return [chaos_codec().decode(r.value or b"") for r in self.log.topics[EVENTS][0]]

    def told_types(self) -> list[str]:
        return [name.rsplit(".", 1)[1] for name, _ in self.told()]

    def state(self, key: str = "k") -> Any:
        raw = self.store.partitions[0].states.get(key)
        return None if raw is None else orjson.loads(raw)


def test_outputs_carry_cause_source_and_the_inputs_time() -> None:
    bench = Bench()
    bench.apply(asked(7, "a", "request-1"))
    record = bench.log.topics[EVENTS][0][0]
    headers = dict(record.headers)
    assert headers["causation_id"] == b"request-1"
    assert headers["src"] == b"chaos.a|chaos.a.requests|0|7|0"
    assert record.timestamp == 1007


def test_a_repeated_request_is_told_so_and_changes_nothing() -> None:
    bench = Bench()
    bench.apply(asked(0, "a", "same"), asked(1, "a", "same"))
    bench.apply(asked(2, "a", "same"))
    assert bench.told_types() == ["Split", "RequestRepeated", "RequestRepeated"]
    assert bench.state() == {"n": 1}


def test_facts_have_no_window() -> None:
    """Nobody waits for their outcome; what one that comes again, or late, means the rules know."""
    bench = Bench(window=1, reads="chaos.z.events")
    bench.apply(asked(0, "a", "same", at_ms=9000), asked(1, "a", "same"), asked(2, "a", at_ms=5))
    bench.apply(asked(WINDOW_BLOCK, "b", at_ms=4))
    assert bench.told_types() == ["Split"] * 4
    assert not bench.store.partitions[0].seen


def test_a_refusal_changes_nothing_and_is_remembered() -> None:
    bench = Bench()
    bench.apply(asked(0, "no", "same"))
    bench.apply(asked(1, "no", "same"))
    assert bench.told_types() == ["RequestRefused", "RequestRepeated"]
    assert bench.told()[0][1]["code"] == "not_today"
    assert bench.state() is None


def test_a_state_of_none_is_deleted() -> None:
    bench = Bench()
    bench.apply(asked(0, "a"))
    bench.apply(asked(1, "gone"))
    assert bench.state() is None


@pytest.mark.parametrize("rid", ["bug", "large"])
def test_what_cannot_be_decided_is_dead_lettered_and_leaves_no_trace(rid: str) -> None:
    bench = Bench()
    bench.apply(asked(0, "a"), asked(1, rid), asked(2, "b"))
    assert bench.state() == {"n": 2}
    assert [data["rid"] for _, data in bench.told()] == ["a", "b"]
    (letter,) = bench.log.topics[f"{TOPIC}.dlq"][0]
    headers = dict(letter.headers)
    assert letter.value == asked(1, rid).value
    assert (headers["dlq_offset"], headers["dlq_agent"], headers["ce_id"]) == (b"1", b"chaos.a", b"id-1")


def test_bytes_that_are_no_event_are_dead_lettered_as_they_came() -> None:
    bench = Bench()
    bench.apply(LogRecord(0, 5, None, b"\xffrubbish", []), asked(1, "a"))
    (letter,) = bench.log.topics[f"{TOPIC}.dlq"][0]
    assert letter.value == b"\xffrubbish"
    assert bench.store.partitions[0].fence == 1


def test_a_flood_of_them_stops_the_agent_before_anything_moves() -> None:
    bench = Bench(limit=5)
    with pytest.raises(DeadLetterFlood, match="nothing is skipped"):
        bench.apply(*(asked(n, "bug") for n in range(6)))
    assert bench.store.partitions[0].fence == -1
    assert bench.log.topics[f"{TOPIC}.dlq"][0] == []


def test_a_request_older_than_the_window_is_refused() -> None:
    bench = Bench(window=3)
    bench.apply(*(asked(n, "a") for n in range(8)))
    bench.apply(asked(WINDOW_BLOCK, "a", "late", at_ms=1001))
    assert bench.told_types()[-1] == "RequestRefused"
    assert bench.told()[-1][1]["code"] == "request_too_old"
    bench.apply(asked(WINDOW_BLOCK + 1, "a", "fresh", at_ms=9000))
    assert bench.told_types()[-1] == "Split"


def test_a_returned_dead_letter_is_decided_by_its_agent_only() -> None:
    bench = Bench()
    for offset, agent in ((0, b"another"), (1, b"chaos.a")):
        record = asked(offset, "a", f"id-{agent.decode()}")
        bench.apply(record._replace(headers=[*record.headers, ("redrive_agent", agent)]))
    assert bench.told_types() == ["Split"]


requests = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "no", "bug", "gone"]),
        st.sampled_from([f"i{n}" for n in range(12)]),
        st.integers(1000, 1020),
        st.sampled_from(["k", "l"]),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(requests, st.lists(st.integers(1, 7), max_size=40), st.integers(1, 9))
def test_where_chunks_begin_changes_nothing(
    items: list[tuple[str, str, int, str]], borders: list[int], spread: int
) -> None:
    """Offsets are spread so that the window is cut several times on the way."""
    step = WINDOW_BLOCK // spread
    records = [asked(n * step, *item) for n, item in enumerate(items)]
    whole, pieces = Bench(window=4, limit=100), Bench(window=4, limit=100)
    at = 0
    life = whole.transactor.apply(Chunk(TOPIC, 0, 0, tuple(records)))
    drive(life)
    start = 0
    for size in [*borders, len(records)]:
        part = records[at : at + size]
        if not part:
            break
        drive(pieces.transactor.apply(Chunk(TOPIC, 0, start, tuple(part))))
        at, start = at + size, part[-1].offset + 1
    assert pieces.log.topics == whole.log.topics
    assert pieces.store.partitions[0].states == whole.store.partitions[0].states
    assert pieces.store.partitions[0].floor == whole.store.partitions[0].floor


def drive(life: Any) -> None:
    try:
        while True:
            life.send(None)
    except StopIteration:
        return
