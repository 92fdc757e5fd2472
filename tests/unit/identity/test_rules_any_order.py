"""Whatever is asked of an account, in any order: what the gate reads is what the decider knows."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from schemas.event import Event
from schemas.identity.views import MOST_KEYS, MOST_SESSIONS
from streams.engine import Refuse
from tests.unit.identity.telling import (
    HOUR_MS,
    Story,
    changed,
    due,
    ended,
    erase,
    forgotten,
    key,
    link_asked,
    redeemed,
    replaced,
    requested,
    revoked,
    session,
)

SIDS = st.sampled_from([f"{n:032x}" for n in range(4)])
KEYS = st.sampled_from([f"{n:016x}" for n in range(4)])
LINKS = st.sampled_from([f"{n:032x}" for n in range(3)])


class Account(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.at_ms = 1_000_000
        self.erased = False
        self.changes = 0

    @initialize(link=st.sampled_from([None, f"{0:032x}"]))
    def open(self, link: str | None) -> None:
        self.tell(requested(link=link))

    def tell(self, each: Event) -> None:
        self.at_ms += 1
        each.at_ms = self.at_ms
        try:
            self.story.given(each)
        except Refuse:
            return

    @rule(hours=st.integers(1, 100))
    def time_passes(self, hours: int) -> None:
        self.at_ms += hours * HOUR_MS

    @rule(sid=SIDS)
    def sign_in(self, sid: str) -> None:
        self.tell(session(sid, at_ms=self.at_ms, password=self.password))

    @rule(sid=st.none() | SIDS, keep=st.none() | SIDS)
    def end(self, sid: str | None, keep: str | None) -> None:
        self.tell(ended(sid, keep))

    @rule(key_id=KEYS, replaces=st.none() | KEYS)
    def make_key(self, key_id: str, replaces: str | None) -> None:
        self.tell(key(key_id, replaces=replaces, overlap_ms=None if replaces is None else HOUR_MS))

    @rule(key_id=KEYS)
    def revoke_key(self, key_id: str) -> None:
        self.tell(revoked(key_id))

    @rule(link=LINKS)
    def ask_link(self, link: str) -> None:
        self.tell(link_asked(link, at_ms=self.at_ms))

    @rule(link=LINKS)
    def redeem(self, link: str) -> None:
        self.tell(redeemed(link))

    @rule(keep=st.none() | SIDS)
    def change_password(self, keep: str | None) -> None:
        self.changes += 1
        self.tell(replaced(f"{self.changes:032x}", replaces=self.password, keep=keep))

    @property
    def password(self) -> str | None:
        """What the account shows as the password that counts."""
        found = self.story.document["password_id"]
        assert found is None or isinstance(found, str)
        return found

    @rule(disabled=st.booleans())
    def disable_or_enable(self, disabled: bool) -> None:
        self.tell(changed(disabled=disabled))

    @rule()
    def erase(self) -> None:
        self.tell(erase())

    @rule()
    def report(self) -> None:
        self.tell(forgotten())

    @rule()
    def remind(self) -> None:
        self.tell(due(self.at_ms))

    @invariant()
    def the_document_is_what_the_decider_knows(self) -> None:
        state, document = self.story.state, self.story.document
        if state is None:
            return
        phase = {"erasing": "disabled"}.get(state["phase"], state["phase"])
        assert document["state"] == phase
        assert len(document["sessions"]) <= MOST_SESSIONS
        assert len(document["api_keys"]) <= MOST_KEYS
        now_ms = self.at_ms
        running = {s for s, v in state["sessions"].items() if v["expires_at_ms"] > now_ms}
        assert {s for s, v in document["sessions"].items() if v["expires_at_ms"] > now_ms} == running
        works = {
            k for k, v in state["api_keys"].items() if v["ends_at_ms"] is None or v["ends_at_ms"] > now_ms
        }
        shown = document["api_keys"].items()
        assert {k for k, v in shown if v["ends_at_ms"] is None or v["ends_at_ms"] > now_ms} == works
        if state["phase"] not in ("erasing", "erased"):
            assert document["password_id"] == state.get("password_id")
        link = state.get("link")
        assert set(document["links"]) == ({link["link_id"]} if link is not None else set())

    @invariant()
    def nothing_works_once_the_erasure_began(self) -> None:
        document = self.story.document
        if self.story.state is not None and self.story.state["phase"] in ("erasing", "erased"):
            self.erased = True
        if self.erased:
            assert document["state"] in ("disabled", "erased")
            assert (document["sessions"], document["api_keys"], document["links"]) == ({}, {}, {})


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
