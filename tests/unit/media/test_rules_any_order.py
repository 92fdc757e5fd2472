"""Whatever workers, timers and the network do, an asset ends the same way, and never stands still.

The machine holds the requests that the decider made and answers them late, twice, in any order or not at
all, with failures between. At its end everything that is still asked for is answered: then the film must be
ready with the rates of a quiet run, or, if somebody deleted it, every object it has must be erased.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.event import Event
from streams.engine import Out
from streams.media import life
from streams.media.rules import decide
from tests.unit.media.telling import (
    completed,
    due,
    encoded,
    erased,
    event,
    failed,
    plan_of,
    probed,
    started,
    storyboard_made,
    work_failed,
)

PLAN = plan_of(seconds=90)


def answer(request: Out, at_ms: int) -> Event:
    """A worker's good end of a piece of work."""
    match request.type.rpartition(".")[2]:
        case "ProbeRequested":
            return probed(PLAN, at_ms=at_ms)
        case "ChunkRequested":
            return encoded(request.data["chunk_index"], PLAN, at_ms=at_ms)
        case "StoryboardRequested":
            return storyboard_made(at_ms=at_ms)
        case "ErasureRequested":
            return erased(request.data["attempt"], at_ms=at_ms)
    raise AssertionError(request.type)


def failure(request: Out, at_ms: int) -> Event:
    """A worker's bad end that says nothing about the source."""
    kind, attempt = request.type.rpartition(".")[2], request.data["attempt"]
    if kind == "ChunkRequested":
        return failed(request.data["chunk_index"], attempt=attempt, at_ms=at_ms)
    return work_failed(kind.removesuffix("Requested").lower(), attempt=attempt, at_ms=at_ms)


class World:
    """The decider and what it said; objects in the store are counted by who put them there."""

    def __init__(self) -> None:
        self.state: Any = None
        self.now_ms = 1_000_000
        self.requests: list[Out] = []  # made and not lost; answering keeps them: it may happen twice
        self.reminders: list[int] = []  # every due time ever set
        self.fired: set[int] = set()  # those that came
        self.said: Counter[str] = Counter()
        self.last: dict[str, dict[str, Any]] = {}
        self.objects = False  # whether something lies in the store
        self.under_way: list[Event] = []  # reports that will arrive, some time

    def tell(self, each: Event) -> None:
        if "due_at_ms" in each.data:
            self.fired.add(each.data["due_at_ms"])
        self.state, outs = decide(self.state, each)
        for out in outs:
            name = out.type.rpartition(".")[2]
            self.said[name] += 1
            self.last[name] = out.data
            if out.topic == "media.work.requests":
                self.requests.append(out)
            if name == "TimerSet":
                assert out.data["due_at_ms"] not in self.fired, "a reminder with the id of one that came"
                self.reminders.append(out.data["due_at_ms"])

    def work(self, request: Out, *, told_later: bool = False) -> None:
        """Do the work for real, as far as the store is concerned, and report it, now or later."""
        if request.type.endswith("ErasureRequested"):
            self.objects = False
        elif request.type.endswith(("ChunkRequested", "StoryboardRequested")):
            self.objects = True
        report = answer(request, self.now_ms)
        if told_later:
            self.under_way.append(report)
        else:
            self.tell(report)

    def remind(self) -> None:
        due_at_ms = self.state["timer_at_ms"]
        self.now_ms = max(self.now_ms, due_at_ms)
        self.tell(due(due_at_ms))

    def settle(self) -> None:
        """Everything works again: each report arrives, each request is answered, each reminder comes."""
        while self.under_way:
            self.tell(self.under_way.pop())
        for _ in range(10_000):
            if not self.state["waiting"]:
                return
            self.requests.clear()
            self.remind()
            for request in list(self.requests):
                self.work(request)
        raise AssertionError(f"still waiting: {self.state}")


def quiet_run() -> World:
    world = World()
    world.tell(started())
    world.tell(completed())
    while world.requests:
        world.work(world.requests.pop(0))
    return world


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.tell(started())
        self.world.tell(completed())
        self.deleted = False
        self.failures: Counter[str] = Counter()

    @initialize(chunks=st.integers(0, PLAN["chunk_count"]))
    def some_of_it_is_done(self, chunks: int) -> None:
        """Most of the rules have something to do only once there is a plan."""
        self.world.work(self.world.requests.pop(0))
        for _ in range(chunks):
            self.world.work(self.world.requests.pop(0))

    @precondition(lambda self: self.world.requests)
    @rule(pick=st.integers(0, 10_000), told_later=st.booleans())
    def a_worker_finishes(self, pick: int, told_later: bool) -> None:
        # The newest requests more often than not, or an erasure among many chunks would hardly be picked.
        newest = self.world.requests[-3:] if pick % 2 else self.world.requests
        self.world.work(newest[pick // 2 % len(newest)], told_later=told_later)

    @precondition(lambda self: self.world.under_way)
    @rule(pick=st.integers(0, 10_000))
    def a_late_report_arrives(self, pick: int) -> None:
        self.world.tell(self.world.under_way.pop(pick % len(self.world.under_way)))

    @precondition(lambda self: self.world.requests)
    @rule(pick=st.integers(0, 10_000))
    def a_worker_fails(self, pick: int) -> None:
        request = self.world.requests[pick % len(self.world.requests)]
        work_id = request.data["work_id"]
        if self.failures[work_id] < life.MAX_FAILURES - 1:
            self.failures[work_id] += 1
            self.world.tell(failure(request, self.world.now_ms))

    @precondition(lambda self: self.world.requests)
    @rule(pick=st.integers(0, 10_000))
    def a_request_is_lost(self, pick: int) -> None:
        if pick % 3 == 0:  # or little else would be left to happen
            del self.world.requests[pick // 3 % len(self.world.requests)]

    @precondition(lambda self: "timer_at_ms" in (self.world.state or {}))
    @rule()
    def the_timer_fires(self) -> None:
        self.world.remind()

    @precondition(lambda self: self.world.reminders)
    @rule(pick=st.integers(0, 10_000))
    def an_old_reminder_comes_again(self, pick: int) -> None:
        reminders = [at_ms for at_ms in self.world.reminders if at_ms <= self.world.now_ms]
        if reminders:
            self.world.tell(due(reminders[pick % len(reminders)]))

    @rule(seconds=st.integers(0, 600))
    def time_passes(self, seconds: int) -> None:
        self.world.now_ms += seconds * 1000

    @rule(seconds=st.integers(0, 300))
    def a_worker_with_a_slow_clock_takes_over(self, seconds: int) -> None:
        self.world.now_ms -= seconds * 1000

    @precondition(lambda self: not self.deleted)
    @rule(sure=st.integers(0, 3))
    def somebody_deletes_it(self, sure: int) -> None:
        if sure == 0:
            self.deleted = True
            self.world.tell(event("DeletionRequested", at_ms=self.world.now_ms))

    @invariant()
    def it_never_stands_still(self) -> None:
        assert not self.world.state["waiting"] or "timer_at_ms" in self.world.state

    @invariant()
    def nothing_is_said_twice(self) -> None:
        said = self.world.said
        for name in ("AssetUploaded", "AssetPlanned", "AssetPlayable", "AssetReady", "StoryboardAdded"):
            assert said[name] <= 1
        assert said["ChunkAccepted"] <= PLAN["chunk_count"]

    @invariant()
    def what_a_deleted_asset_left_is_found(self) -> None:
        """Objects lie in the store only while an erasure, or the report that brings one, is to come."""
        if self.world.state["phase"] == "deleted" and self.world.objects:
            assert "erasure" in self.world.state["waiting"] or self.world.under_way

    @invariant()
    def the_window_holds(self) -> None:
        chunks = [name for name in self.world.state["waiting"] if life.chunk_of(name) is not None]
        assert len(chunks) <= life.WINDOW

    def teardown(self) -> None:
        self.world.settle()
        state = {k: v for k, v in self.world.state.items() if k in ("phase", "waiting", "plan", "source")}
        if self.deleted:
            assert state == {"phase": "deleted", "waiting": {}}
            assert not self.world.objects
            assert self.world.said["AssetErased"] >= 1
        else:
            assert state == {"phase": "ready", "waiting": {}}
            assert self.world.said == QUIET.said | self.world.said  # all of a quiet run was said
            assert self.world.last["AssetReady"] == QUIET.last["AssetReady"]
        assert "timer_at_ms" not in self.world.state


QUIET = quiet_run()
TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
