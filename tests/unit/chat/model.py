"""A room as one would explain it: plain lists, no bounds, no events. What the rules must equal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.unit.chat.telling import OWNER, SETTINGS, START_MS

FLOOD, FLOOD_MS = 8, 10_000  # of the screening rules that a room begins with
REPEATS, REPEATS_MS = 2, 60_000
REMEMBERED = 20  # of what one has written


@dataclass
class Message:
    """What became of one client's message."""

    author: str
    text: str
    state: str  # shown, shadow, waiting, gone
    other: str | None = None  # a text that waits beside the one that is shown
    shown_to_all: str | None = None  # the text that others still see of a message whose edits are shadowed


@dataclass
class Model:
    """Each method returns the code of the refusal that is expected, or None."""

    settings: dict[str, Any] = field(default_factory=lambda: dict(SETTINGS))
    now_ms: int = START_MS
    moderators: list[str] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    followers: dict[str, int] = field(default_factory=dict)
    sanctions: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    wrote: list[tuple[int, str, str]] = field(default_factory=list)  # when, who, what; "" but of new messages
    accepted: dict[str, int] = field(default_factory=dict)  # since first messages are held
    reporters: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    settled: set[tuple[str, str]] = field(default_factory=set)

    def moderates(self, who: str) -> bool:
        return who == OWNER or who in self.moderators

    def sanction(self, who: str) -> str | None:
        kind, until_ms = self.sanctions.get(who, (None, None))
        return kind if until_ms is None or until_ms > self.now_ms else None

    def may_not_write(self, who: str) -> str | None:
        if self.settings["archived"]:
            return "room_archived"
        if self.moderates(who):
            return None
        if self.settings["read_only"]:
            return "read_only"
        if self.sanction(who) in ("ban", "timeout"):
            return {"ban": "banned", "timeout": "timed_out"}[self.sanctions[who][0]]
        member = who in self.members
        if self.settings["access"] == "members" and not member:
            return "not_a_member"
        mode = self.settings["mode"]
        if mode == "members" and not member:
            return "members_only"
        if mode == "followers" and not member:
            since_ms = self.followers.get(who)
            if since_ms is None or self.now_ms - since_ms < self.settings["followers_min_s"] * 1000:
                return "followers_only"
        return "emotes_only" if mode == "emotes" else None

    def too_fast(self, who: str, *, edit: bool) -> str | None:
        if self.moderates(who):
            return None
        last = [at for at, each, text in self.wrote if each == who and text][-1:]
        if not edit and last and self.now_ms - last[0] < self.settings["slow_mode_s"] * 1000:
            return "slow_mode"
        lately = [at for at, each, _ in self.wrote if each == who and self.now_ms - at < FLOOD_MS]
        return "flood" if len(lately) >= FLOOD else None

    def judged(self, who: str, text: str, found: str | None, *, edit: bool) -> str:
        if self.moderates(who):
            return "accept"
        mine = [(at, what) for at, each, what in self.wrote if each == who][-REMEMBERED:]
        same = [at for at, what in mine if what == text and self.now_ms - at < REPEATS_MS]
        if found == "reject" or (not edit and len(same) >= REPEATS):
            return "reject"
        strange = not edit and self.accepted.get(who, 0) < self.settings["hold_first_messages"]
        return "hold" if found == "hold" or strange else "accept"

    def send(self, who: str, client: str, text: str, found: str | None) -> str | None:
        known = self.messages.get((who, client))
        if known is not None:
            return "message_removed" if known.state == "gone" else "message_exists"
        refused = self.may_not_write(who) or self.too_fast(who, edit=False)
        if refused:
            return refused
        judged = self.judged(who, text, found, edit=False)
        self.wrote.append((self.now_ms, who, "" if judged == "reject" else text))
        if judged == "reject":
            return "rejected"
        if self.sanction(who) == "shadow" and not self.moderates(who):
            self.messages[who, client] = Message(who, text, "shadow")
        elif judged == "hold":
            self.messages[who, client] = Message(who, text, "waiting")
        else:
            self.messages[who, client] = Message(who, text, "shown")
            self._greet(who)
        return None

    def edit(self, who: str, client: str, text: str, found: str | None) -> str | None:
        message = self.messages.get((who, client))
        if message is None or message.state == "gone":
            return "message_unknown"
        refused = self.may_not_write(who) or self.too_fast(who, edit=True)
        if refused:
            return refused
        judged = self.judged(who, text, found, edit=True)
        self.wrote.append((self.now_ms, who, ""))
        if judged == "reject":
            return "rejected"
        shadow = self.sanction(who) == "shadow" and not self.moderates(who)
        if message.state == "waiting":
            message.text = text
        elif judged == "hold" and not shadow and message.state == "shown":
            message.other = text
        else:
            message.other = None
            if shadow and message.state == "shown" and message.shown_to_all is None:
                message.shown_to_all = message.text
            elif not shadow:
                message.shown_to_all = None
            message.text = text
        return None

    def remove(self, who: str, message: tuple[str, str]) -> str | None:
        if not self.moderates(who) and who != message[0]:
            return "not_yours"
        self.take_away(message)
        return None

    def purge(self, who: str, account: str) -> str | None:
        if who != account and not self.moderates(who):
            return "not_a_moderator"
        for each in [m for m in self.messages if m[0] == account]:
            self.take_away(each)
        return None

    def take_away(self, message: tuple[str, str]) -> None:
        known = self.messages.setdefault(message, Message(message[0], "", "gone"))
        known.state, known.other = "gone", None
        self.reporters.pop(message, None)
        self.settled.discard(message)

    def punish(self, who: str, account: str, kind: str, seconds: int | None) -> str | None:
        if not self.moderates(who):
            return "not_a_moderator"
        if kind == "lift":
            if self.sanction(account) is None:
                return "no_sanction"
            del self.sanctions[account]
            return None
        if kind == "timeout" and seconds is None:
            return "bad_sanction"
        if self.moderates(account):
            return "is_moderator"
        self.sanctions[account] = (kind, None if seconds is None else self.now_ms + seconds * 1000)
        return None

    def review(self, who: str, message: tuple[str, str], *, approved: bool) -> str | None:
        if not self.moderates(who):
            return "not_a_moderator"
        known = self.messages.get(message)
        if known is not None and known.other is not None:
            if approved:
                known.text, known.shown_to_all = known.other, None
            known.other = None
        elif known is not None and known.state == "waiting":
            if not approved:
                self.take_away(message)
                return None
            known.state = "shown"
            self._greet(known.author)
            if message in self.reporters:
                self.settled.add(message)
        elif message in self.reporters and message not in self.settled:
            if approved:
                self.settled.add(message)
            else:
                self.take_away(message)
        else:
            return "nothing_waits"
        return None

    def report(self, who: str, message: tuple[str, str]) -> str | None:
        known = self.messages[message]
        if self.settings["archived"]:
            return "room_archived"
        if known.state == "gone":
            return "message_removed"
        if who == known.author:
            return "own_message"
        if self.sanction(who) in ("ban", "timeout"):
            return "banned"
        reporters = self.reporters.get(message, [])
        if message in self.settled or who in reporters or self.sanction(who) == "shadow":
            return "reported_already"
        self.reporters[message] = [*reporters, who]
        reached = len(self.reporters[message]) == self.settings["report_threshold"]
        if reached and self.settings["report_action"] == "hold":
            known.text = known.shown_to_all or known.text  # what the one who reported it saw
            known.state, known.other, known.shown_to_all = "waiting", None, None
        return None

    def seen_by(self, who: str) -> dict[tuple[str, str], str]:
        shown = {}
        for name, each in self.messages.items():
            if each.state == "shown" or (each.state == "shadow" and who == each.author):
                others = who != each.author and each.shown_to_all is not None
                shown[name] = each.shown_to_all if others else each.text
        return {name: text for name, text in shown.items() if text is not None}

    def waiting(self) -> dict[tuple[str, str], str]:
        return {
            name: each.text if each.state == "waiting" else str(each.other)
            for name, each in self.messages.items()
            if each.state == "waiting" or each.other is not None
        }

    def _greet(self, who: str) -> None:
        if self.settings["hold_first_messages"]:
            self.accepted[who] = self.accepted.get(who, 0) + 1

    def change(self, **settings: Any) -> None:
        before, self.settings = self.settings, {**self.settings, **settings}
        if not self.settings["hold_first_messages"]:
            self.accepted = {}
        elif not before["hold_first_messages"]:
            here = {m.author for m in self.messages.values() if m.state in ("shown", "shadow")}
            self.accepted = dict.fromkeys(here, self.settings["hold_first_messages"])
