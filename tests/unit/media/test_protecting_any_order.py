"""Whatever workers do while a finished film is protected, it plays by a whole plan and the rest is erased.

Reports come late, twice, in any order or not at all, and failures end what was begun. At the end everything
asked for is answered: then the store holds what the film plays by and nothing else.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from schemas.event import Event
from schemas.media.objects import asset_prefix
from streams.engine import Out, Refuse
from streams.media.rules import decide
from tests.unit.media.telling import ASSET, HASH, due, encoded, erased, event, failed, storyboard_made
from tests.unit.media.telling import work_failed as failure
from tests.unit.media.test_protecting import FINISHED, PLAN, asked, plan_with

SCHEMES: Final = ("cenc", "cbcs")


class Protecting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state: Any = None
        self.now_ms = 2_000_000
        self.requests: list[Out] = []
        self.under_way: list[Event] = []
        self.plays_by: Any = PLAN
        self.stored = {HASH}  # profile hashes with objects in the store
        self.begun = self.done = self.given_up = 0
        self.deleted = False
        for each in FINISHED:
            self.tell(each)
        self.requests.clear()

    def tell(self, each: Event) -> None:
        self.state, outs = decide(self.state, each)
        for out in outs:
            if out.topic == "media.work.requests":
                self.requests.append(out)
            match out.type.rpartition(".")[2]:
                case "AssetProtected":
                    self.plays_by, self.done = out.data["plan"], self.done + 1
                case "ProtectionFailed":
                    self.given_up += 1
                case "ProtectionStarted":
                    self.begun += 1

    def answer(self, request: Out) -> Event:
        """A worker's good end; what it writes is in the store from now on."""
        data, at = request.data, {"at_ms": self.now_ms}
        match request.type.rpartition(".")[2]:
            case "ProtectionPlanRequested":
                plan = plan_with(data["protection"]["version"], data["protection"]["scheme"])
                return event("ProtectionPlanned", work_id=data["work_id"], plan=plan, **at)
            case "ChunkRequested":
                self.stored.add(data["plan"]["profile_hash"])
                return encoded(data["chunk_index"], data["plan"], **at)
            case "StoryboardRequested":
                self.stored.add(data["plan"]["profile_hash"])
                return storyboard_made(profile_hash=data["plan"]["profile_hash"], **at)
        for prefix in data["prefixes"]:
            rest = prefix.removeprefix(asset_prefix(ASSET)).strip("/")
            self.stored -= {rest} if rest else set(self.stored)
        return erased(data["attempt"], **at)

    @precondition(lambda self: self.requests)
    @rule(pick=st.integers(0, 10_000), later=st.booleans(), twice=st.booleans())
    def a_worker_finishes(self, pick: int, later: bool, twice: bool) -> None:
        at = pick % len(self.requests)
        request = self.requests[at] if twice else self.requests.pop(at)
        report = self.answer(request)
        if later:
            self.under_way.append(report)
        else:
            self.tell(report)

    @precondition(lambda self: self.under_way)
    @rule(pick=st.integers(0, 10_000))
    def a_late_report_arrives(self, pick: int) -> None:
        self.tell(self.under_way.pop(pick % len(self.under_way)))

    @precondition(lambda self: self.requests)
    @rule(pick=st.integers(0, 10_000), retryable=st.booleans())
    def a_worker_fails_in_the_middle(self, pick: int, retryable: bool) -> None:
        request = self.requests.pop(pick % len(self.requests))
        data, kind = request.data, request.type.rpartition(".")[2]
        told = {"attempt": data["attempt"], "work_id": data["work_id"], "at_ms": self.now_ms}
        if kind == "ChunkRequested":
            self.stored.add(data["plan"]["profile_hash"])
            profile = data["plan"]["profile_hash"]
            self.tell(failed(data["chunk_index"], retryable=retryable, profile_hash=profile, **told))
        elif kind == "StoryboardRequested":
            self.stored.add(data["plan"]["profile_hash"])
            self.tell(failure("storyboard", retryable=retryable, **told))
        elif kind == "ErasureRequested":
            self.tell(failure("erasure", **told))
        else:
            self.tell(failure("protection", retryable=retryable, **told))

    @precondition(lambda self: self.requests)
    @rule(pick=st.integers(0, 10_000))
    def a_request_is_lost(self, pick: int) -> None:
        del self.requests[pick % len(self.requests)]

    @precondition(lambda self: "timer_at_ms" in self.state)
    @rule()
    def the_timer_fires(self) -> None:
        self.now_ms = max(self.now_ms, self.state["timer_at_ms"])
        self.tell(due(self.state["timer_at_ms"]))

    @rule(scheme=st.sampled_from(SCHEMES))
    def somebody_asks_for_protection(self, scheme: str) -> None:
        phase, now = self.state["phase"], self.plays_by["protection"] or {"scheme": ""}
        if phase == "ready" and now["scheme"] != scheme:
            self.tell(asked(scheme, plan=self.plays_by))
            return
        with pytest.raises(Refuse) as refused:
            self.tell(asked(scheme, plan=self.plays_by))
        told = {"protecting": "protection_running", "deleted": "asset_deleted"}
        assert refused.value.code == told.get(phase, "protected_already")

    @precondition(lambda self: not self.deleted)
    @rule(sure=st.integers(0, 9))
    def somebody_deletes_it(self, sure: int) -> None:
        if sure == 0:
            self.deleted = True
            self.tell(event("DeletionRequested", at_ms=self.now_ms))

    @invariant()
    def what_it_plays_by_is_there(self) -> None:
        assert self.deleted or self.plays_by["profile_hash"] in self.stored

    @invariant()
    def one_at_a_time(self) -> None:
        running = self.state["phase"] == "protecting"
        assert self.deleted or self.begun == self.done + self.given_up + running

    def teardown(self) -> None:
        while self.under_way:
            self.tell(self.under_way.pop())
        while self.state["waiting"]:
            while self.requests:
                self.tell(self.answer(self.requests.pop()))
            if self.state["waiting"]:
                self.the_timer_fires()
        for request in self.requests:  # asked for twice, and done when nobody waits any more
            self.tell(self.answer(request))
        self.requests = [each for each in self.requests if each.type.endswith("ErasureRequested")]
        while self.state["waiting"]:
            self.the_timer_fires()
            while self.requests:
                self.tell(self.answer(self.requests.pop()))
        assert self.stored == (set() if self.deleted else {self.plays_by["profile_hash"]})
        assert self.state["phase"] == ("deleted" if self.deleted else "ready")
        assert "timer_at_ms" not in self.state


TestProtecting = Protecting.TestCase
TestProtecting.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
