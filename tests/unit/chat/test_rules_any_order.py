"""Whatever is asked of a room, in any order: it is answered as the model answers, and everybody sees the same
in the stream, on the desk and in the rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from schemas.chat.views import members_suffix, sanctions_suffix
from schemas.event import Event
from streams.engine import Refuse
from tests.unit.chat.model import Model
from tests.unit.chat.telling import (
    ANN,
    BEN,
    CAT,
    MODERATOR,
    OWNER,
    ROOM,
    Story,
    changed,
    decided,
    edit,
    follows,
    members,
    mid,
    moderator,
    opened,
    pinned,
    purged,
    removed,
    reported,
    sanctioned,
    sent,
)

AUTHORS = (ANN, BEN)  # few, so that things happen to their messages
PEOPLE = (ANN, BEN, CAT, MODERATOR, OWNER)
MODERATORS = (MODERATOR, OWNER, OWNER, MODERATOR, CAT)  # and one who is none
CLIENTS = tuple(str(n) for n in range(30))
TEXTS = ("hello", "buy", "bye")
FOUND = (None, None, "hold", None, "reject")
CHANGES: dict[str, tuple[Any, ...]] = {
    "access": ("public", "public", "public", "members"),
    "mode": ("open", "open", "open", "followers", "members", "emotes"),
    "read_only": (False, False, True),
    "archived": (False, False, False, True),
    "slow_mode_s": (0, 30),
    "followers_min_s": (0, 60),
    "hold_first_messages": (0, 1),
    "report_threshold": (0, 1, 2),
    "report_action": ("flag", "hold"),
}
Choose = Callable[[Sequence[Any]], Any]


class Room(RuleBasedStateMachine):
    """One rule that picks what is asked, so that all kinds of requests meet in every example."""

    def __init__(self) -> None:
        super().__init__()
        self.story, self.model = Story(), Model()
        self.choose: Choose = lambda options: options[0]

    @initialize(data=st.data())
    def drawn(self, data: st.DataObject) -> None:
        self.choose = lambda options: data.draw(st.sampled_from(options))
        self.open()

    def open(self) -> None:
        names = ("slow_mode_s", "hold_first_messages", "report_threshold", "report_action", "followers_min_s")
        chosen = {name: self.choose(CHANGES[name]) for name in names}
        self.model.change(**chosen)
        self.tell(opened(**chosen), None)
        self.tell(moderator(MODERATOR), None)
        self.model.moderators.append(MODERATOR)

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        self.choose = lambda options: data.draw(st.sampled_from(options))
        self.choose(ASKED)(self)

    def tell(self, each: Event, code: str | None) -> None:
        """The room answers with this refusal, or none."""
        each.at_ms = self.model.now_ms
        try:
            self.story.given(each)
            said = [out.data["code"] for out in self.story.outs if out.type.endswith("RequestRefused")]
        except Refuse as no:
            said = [no.code]
        assert said == ([code] if code else [])

    def a_message(self, *states: str) -> tuple[str, str]:
        """One that was sent (in one of these states, if any is), or now and then one that never was."""
        known = list(self.model.messages)
        fitting = [name for name in known if self.model.messages[name].state in states]
        chosen: tuple[str, str] = self.choose([*(fitting or known), (ANN, "never")])
        return chosen

    def findings(self) -> tuple[str | None, tuple[dict[str, Any], ...]]:
        found = self.choose(FOUND)
        return found, ({"rule": "terms.0", "action": found, "score": None},) if found else ()

    def time_passes(self) -> None:
        self.model.now_ms += self.choose((1, 4, 10, 30, 60)) * 1000

    def send(self) -> None:
        who, client, text = (
            self.choose((*AUTHORS, *AUTHORS, MODERATOR)),
            self.choose(CLIENTS),
            self.choose(TEXTS),
        )
        found, findings = self.findings()
        code = self.model.send(who, client, text, found)
        self.tell(sent(who, client, text=text, found=findings), code)

    def edit(self) -> None:
        message, text = self.a_message("shown", "shadow", "waiting"), self.choose(TEXTS)
        found, findings = self.findings()
        self.tell(edit(*message, text, found=findings), self.model.edit(*message, text, found))

    def remove(self) -> None:
        who, message = self.choose(PEOPLE), self.a_message("shown", "shadow", "waiting")
        self.tell(removed(who, message), self.model.remove(who, message))

    def purge(self) -> None:
        who, account = self.choose((ANN, MODERATOR)), self.choose(AUTHORS)
        self.tell(purged(who, account), self.model.purge(who, account))

    def punish(self) -> None:
        who, account = self.choose(MODERATORS), self.choose((*AUTHORS, MODERATOR))
        kind, seconds = (
            self.choose(("timeout", "ban", "shadow", "shadow", "shadow", "lift")),
            self.choose((20, 60, None)),
        )
        self.tell(sanctioned(account, kind, seconds, by=who), self.model.punish(who, account, kind, seconds))

    def review(self) -> None:
        waiting = [*self.model.waiting(), *self.model.reporters]
        who, message = self.choose(MODERATORS), self.choose(waiting) if waiting else self.a_message()
        approved = self.choose((True, False))
        code = self.model.review(who, message, approved=approved)
        self.tell(decided(message, approved=approved, by=who), code)

    def report(self) -> None:
        who, message = self.choose(PEOPLE), self.a_message("shown")
        known = self.model.messages.get(message)
        if known is not None and known.state in ("shown", "gone"):  # others nobody sees
            each = reported(who, *message)
            each.data["message"]["text_sealed"] = known.shown_to_all or known.text
            self.tell(each, self.model.report(who, message))

    def pin_and_unpin(self) -> None:
        message = self.a_message("shown")
        known = self.model.messages.get(message)
        if known is not None and known.state == "shown":
            self.tell(pinned(*message), None)
            self.tell(pinned(*message, on=False), None)

    def change(self) -> None:
        name = self.choose(sorted(CHANGES))
        value = self.choose(CHANGES[name])
        if value != self.model.settings[name]:
            self.model.change(**{name: value})
            self.tell(changed(**{name: value}), None)

    def follow(self) -> None:
        who = self.choose(AUTHORS)
        known = who in self.model.members or who in self.model.followers
        private = self.model.settings["access"] == "members"
        if not known and not private:
            self.model.followers[who] = self.model.now_ms
        self.tell(follows(who), "nothing_to_change" if known else "not_a_member" if private else None)

    def join_or_leave(self) -> None:
        who, joins, model = self.choose(AUTHORS), self.choose((True, False)), self.model
        same = who in model.members if joins else who not in model.members and who not in model.followers
        model.followers.pop(who, None)
        (model.members.add if joins else model.members.discard)(who)
        self.tell(members(who, on=joins), "nothing_to_change" if same else None)

    def promote_or_demote(self) -> None:
        promoted = BEN not in self.model.moderators
        if promoted:
            self.model.moderators.append(BEN)
            self.model.sanctions.pop(BEN, None)
        else:
            self.model.moderators.remove(BEN)
        self.tell(moderator(BEN, on=promoted), None)

    # --- what must hold at every moment

    @invariant()
    def everybody_sees_what_the_model_says(self) -> None:
        for who in (ANN, BEN, CAT):
            expected = {mid(*name): text for name, text in self.model.seen_by(who).items()}
            assert self.story.seen_by(who) == expected

    @invariant()
    def nothing_of_what_is_gone_stays_in_the_stream(self) -> None:
        gone = {mid(*name) for name, each in self.model.messages.items() if each.state in ("gone", "waiting")}
        for delta in self.story.stream:
            message_id = delta.get("message_id") or delta.get("message", {}).get("message_id")
            assert message_id not in gone or delta["kind"] in ("unpinned", "reactions")

    @invariant()
    def the_rows_say_the_same(self) -> None:
        expected = {mid(*name): text for name, text in self.model.seen_by(CAT).items()}
        assert _shown_by(self.story.rows) == expected

    @invariant()
    def the_desk_has_what_waits(self) -> None:
        if self.story.desk is None:
            return
        waiting = {m: each["message"]["text_sealed"] for m, each in self.story.desk["held"].items()}
        assert waiting == {mid(*name): text for name, text in self.model.waiting().items()}
        shown = {name for name, each in self.model.messages.items() if each.state == "shown"}
        reports = {mid(*m) for m in self.model.reporters if m in shown and m not in self.model.settled}
        assert self.story.desk["reports"].keys() == reports

    @invariant()
    def sanctions_and_members_are_the_deciders(self) -> None:
        state, hashes = self.story.state, self.story.shelf.hashes
        if state is not None:
            assert hashes.get(sanctions_suffix(ROOM), {}).keys() == state["sanctions"].keys()
            people = state["members"].keys() | state["followers"].keys()
            assert hashes.get(members_suffix(ROOM), {}).keys() == people
            assert self.story.room["settings"] == state["settings"]


def _shown_by(rows: list[dict[str, Any]]) -> dict[str, str]:
    """What history shows to everybody: the newest text of each message that was not taken away after it."""
    shown: dict[str, str] = {}
    authors: dict[str, str] = {}
    for row in rows:
        match row["kind"]:
            case "message":
                shown[row["message_id"]] = row["text_sealed"]
                authors[row["message_id"]] = row["account_id"]
            case "edited" if row["message_id"] in shown:
                shown[row["message_id"]] = row["text_sealed"]
            case "removed":
                shown.pop(row["message_id"], None)
            case "purged":
                shown = {m: text for m, text in shown.items() if authors[m] != row["account_id"]}
    return shown


ASKED = (
    *[Room.send] * 8, *[Room.edit] * 4, *[Room.time_passes] * 2, *[Room.punish] * 2, *[Room.review] * 3,
    *[Room.report] * 3, *[Room.change] * 2, Room.remove, Room.purge, Room.pin_and_unpin, Room.follow,
    Room.join_or_leave, Room.promote_or_demote,
)  # fmt: skip
INVARIANTS = (
    Room.everybody_sees_what_the_model_says, Room.nothing_of_what_is_gone_stays_in_the_stream,
    Room.the_rows_say_the_same, Room.the_desk_has_what_waits, Room.sanctions_and_members_are_the_deciders,
)  # fmt: skip
TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)


@pytest.mark.parametrize("seed", range(40))
def test_long_walks(seed: int) -> None:
    """The same machine with dice: longer ways, and no kind of request is left out for long."""
    room, dice = Room(), random.Random(seed)
    room.choose = dice.choice
    room.open()
    for step in range(200):
        dice.choice(ASKED)(room)
        if step % 4 == 0:
            for holds in INVARIANTS:
                holds(room)
