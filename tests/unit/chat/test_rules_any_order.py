"""Whatever is asked of a room, in any order: it is answered as the model answers, and everybody sees the same
in the stream, on the desk and in the rows."""

from __future__ import annotations

from typing import Any

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

PEOPLE = st.sampled_from([ANN, BEN, CAT, MODERATOR, OWNER])
AUTHORS = st.sampled_from([ANN, ANN, BEN, BEN, MODERATOR])  # few, so that things happen to their messages
CLIENTS = st.sampled_from(["1", "2", "3", "4"])
TEXTS = st.sampled_from(["hello", "buy", "bye"])
FOUND = st.sampled_from([None, None, None, "hold", "reject"])
MESSAGES = st.tuples(AUTHORS, CLIENTS)
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "access": st.sampled_from(["public", "public", "members"]),
    "mode": st.sampled_from(["open", "open", "followers", "members", "emotes"]),
    "read_only": st.booleans(),
    "archived": st.booleans(),
    "slow_mode_s": st.sampled_from([0, 30]),
    "followers_min_s": st.sampled_from([0, 60]),
    "hold_first_messages": st.sampled_from([0, 1]),
    "report_threshold": st.sampled_from([0, 1, 2]),
    "report_action": st.sampled_from(["flag", "hold"]),
}


def findings(found: str | None) -> tuple[dict[str, Any], ...]:
    return ({"rule": "terms.0", "action": found, "score": None},) if found else ()


class Room(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.story, self.model = Story(), Model()

    @initialize()
    def open(self) -> None:
        self.tell(opened(), None)
        self.tell(moderator(MODERATOR), None)
        self.model.moderators.append(MODERATOR)

    def tell(self, each: Event, code: str | None) -> None:
        """The room answers with this refusal, or none."""
        each.at_ms = self.model.now_ms
        try:
            self.story.given(each)
            said = [out.data["code"] for out in self.story.outs if out.type.endswith("RequestRefused")]
        except Refuse as no:
            said = [no.code]
        assert said == ([code] if code else [])

    @rule(seconds=st.sampled_from([1, 5, 11, 31, 61]))
    def time_passes(self, seconds: int) -> None:
        self.model.now_ms += seconds * 1000

    @rule(who=AUTHORS, client=CLIENTS, text=TEXTS, found=FOUND)
    def send(self, who: str, client: str, text: str, found: str | None) -> None:
        code = self.model.send(who, client, text, found)
        self.tell(sent(who, client, text=text, found=findings(found)), code)

    @rule(message=MESSAGES, text=TEXTS, found=FOUND)
    def edit(self, message: tuple[str, str], text: str, found: str | None) -> None:
        code = self.model.edit(*message, text, found)
        self.tell(edit(*message, text, found=findings(found)), code)

    @rule(who=PEOPLE, message=MESSAGES)
    def remove(self, who: str, message: tuple[str, str]) -> None:
        self.tell(removed(who, message), self.model.remove(who, message))

    @rule(who=st.sampled_from([ANN, MODERATOR]), account=AUTHORS)
    def purge(self, who: str, account: str) -> None:
        self.tell(purged(who, account), self.model.purge(who, account))

    @rule(
        who=st.sampled_from([BEN, MODERATOR, MODERATOR]), account=AUTHORS,
        kind=st.sampled_from(["timeout", "ban", "shadow", "shadow", "lift"]),
        seconds=st.sampled_from([None, 20, 120]),
    )  # fmt: skip
    def punish(self, who: str, account: str, kind: str, seconds: int | None) -> None:
        self.tell(sanctioned(account, kind, seconds, by=who), self.model.punish(who, account, kind, seconds))

    @rule(who=st.sampled_from([ANN, MODERATOR, OWNER]), message=MESSAGES, approved=st.booleans())
    def review(self, who: str, message: tuple[str, str], approved: bool) -> None:
        code = self.model.review(who, message, approved=approved)
        self.tell(decided(message, approved=approved, by=who), code)

    @rule(who=PEOPLE, message=MESSAGES)
    def report(self, who: str, message: tuple[str, str]) -> None:
        known = self.model.messages.get(message)
        if known is None or known.state not in ("shown", "gone"):
            return  # nobody can see it to report it
        each = reported(who, *message)
        each.data["message"]["text_sealed"] = known.shown_to_all or known.text
        self.tell(each, self.model.report(who, message))

    @rule(message=MESSAGES)
    def pin_and_unpin(self, message: tuple[str, str]) -> None:
        known = self.model.messages.get(message)
        if known is not None and known.state == "shown":
            self.tell(pinned(*message), None)
            self.tell(pinned(*message, on=False), None)

    @rule(name=st.sampled_from(sorted(CHANGES)), data=st.data())
    def change(self, name: str, data: st.DataObject) -> None:
        value = data.draw(CHANGES[name])
        if value != self.model.settings[name]:
            self.model.change(**{name: value})
            self.tell(changed(**{name: value}), None)

    @rule(who=st.sampled_from([ANN, BEN]))
    def follow(self, who: str) -> None:
        known = who in self.model.members or who in self.model.followers
        private = self.model.settings["access"] == "members"
        if not known and not private:
            self.model.followers[who] = self.model.now_ms
        self.tell(follows(who), "nothing_to_change" if known else "not_a_member" if private else None)

    @rule(who=st.sampled_from([ANN, BEN]), joins=st.booleans())
    def join_or_leave(self, who: str, joins: bool) -> None:
        model = self.model
        same = who in model.members if joins else who not in model.members and who not in model.followers
        model.followers.pop(who, None)
        (model.members.add if joins else model.members.discard)(who)
        self.tell(members(who, on=joins), "nothing_to_change" if same else None)

    @rule(who=st.sampled_from([BEN, MODERATOR]))
    def promote_or_demote(self, who: str) -> None:
        promoted = who not in self.model.moderators
        if promoted:
            self.model.moderators.append(who)
            self.model.sanctions.pop(who, None)
        else:
            self.model.moderators.remove(who)
        self.tell(moderator(who, on=promoted), None)

    # --- what must hold at every moment

    @invariant()
    def everybody_sees_what_the_model_says(self) -> None:
        for who in (ANN, BEN, CAT):
            expected = {mid(*name): text for name, text in self.model.seen_by(who).items()}
            assert self.story.seen_by(who) == expected

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


TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
