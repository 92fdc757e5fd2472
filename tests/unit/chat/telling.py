"""Given/when/then for the chat domain: requests made of few words, a story that folds them, and the Redis
keys that its projections write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from schemas.chat.views import message_id_of
from schemas.event import Event
from schemas.wire import codec
from streams.chat.desk import desk
from streams.chat.history import rows
from streams.chat.projections import rooms
from streams.chat.rules import decide
from streams.engine import Op, Out, Refuse

ROOM = "r-" + "0" * 32
OWNER, MODERATOR = "0" * 32, "f" * 32
ANN, BEN, CAT, DAN = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)
START_MS = 1_000_000
SETTINGS: dict[str, Any] = {
    "title": "The room", "topic": "", "access": "public", "mode": "open", "read_only": False,
    "archived": False, "slow_mode_s": 0, "followers_min_s": 0, "hold_first_messages": 0,
    "report_threshold": 0, "report_action": "flag", "title_sealed": None, "topic_sealed": None,
}  # fmt: skip
REJECT = {"rule": "terms.0", "action": "reject", "score": None}
HOLD = {"rule": "score:links", "action": "hold", "score": 0.7}


def event(name: str, *, at_ms: int = START_MS, **data: Any) -> Event:
    """One request of the chat domain."""
    full = f"kinolog.chat.{name}"
    data = {"room_id": ROOM, **data}
    codec().encode(full, data)  # an event that does not fit its schema fails here as it would on the log
    return Event(type=full, key=ROOM, data=data, id=f"{name}@{at_ms}", at_ms=at_ms)


def opened(**settings: Any) -> Event:
    return event(
        "RoomRequested", asset_id=None, owner_id=OWNER, actor_id=OWNER, settings={**SETTINGS, **settings}
    )


def changed(*, by: str = OWNER, at_ms: int = START_MS, **settings: Any) -> Event:
    none = dict.fromkeys(SETTINGS)
    return event("RoomChangeRequested", at_ms=at_ms, actor_id=by, privileged=False, **{**none, **settings})


def mid(by: str, client: str) -> str:
    return message_id_of(ROOM, by, client)


def sent(
    by: str,
    client: str,
    *,
    at_ms: int = START_MS,
    found: tuple[dict[str, Any], ...] = (),
    text: str = "",
    **more: Any,
) -> Event:
    """A message; its text is its client's id unless said otherwise."""
    text = text or client
    body = {
        "privileged": False, "text_sealed": text, "text_hash": f"#{text}", "only_emotes": False,
        "mentions": [], "reply_to": None, "media_ms": None, "device_hash": None, "network_hash": None,
    }  # fmt: skip
    data = {**body, "findings": list(found), "rules_version": 0, **more}
    return event("MessageSubmitted", at_ms=at_ms, message_id=mid(by, client), account_id=by, **data)


def edit(
    by: str, client: str, text: str, *, of: str = "", at_ms: int = START_MS,
    found: tuple[dict[str, Any], ...] = (),
) -> Event:  # fmt: skip
    return event(
        "EditRequested", at_ms=at_ms, message_id=mid(of or by, client), account_id=by, privileged=False,
        text_sealed=text, text_hash=f"#{text}", only_emotes=False, mentions=[], findings=list(found),
        rules_version=0,
    )  # fmt: skip


def copy(by: str, client: str) -> dict[str, Any]:
    """A message as a gateway reads it in a projection."""
    return {
        "message_id": mid(by, client), "account_id": by, "text_sealed": client, "sent_at_ms": START_MS,
        "mentions": [], "reply_to": None, "media_ms": None,
    }  # fmt: skip


def removed(by: str, *messages: tuple[str, str], at_ms: int = START_MS, privileged: bool = False) -> Event:
    """`messages`: (author, client's id)."""
    named = [{"message_id": mid(*each), "account_id": each[0]} for each in messages]
    return event(
        "RemovalRequested", at_ms=at_ms, actor_id=by, privileged=privileged, messages=named, reason="spam"
    )


def purged(by: str, account_id: str, **more: Any) -> Event:
    return event(
        "PurgeRequested", actor_id=by, privileged=False, account_id=account_id, reason="spam", **more
    )


def pinned(author: str, client: str, *, by: str = OWNER, on: bool = True, **more: Any) -> Event:
    message = copy(author, client) if on else None
    return event(
        "PinRequested", actor_id=by, privileged=False, message_id=mid(author, client), pinned=on,
        message=message, **more,
    )  # fmt: skip


def reacted(author: str = "", client: str = "", **counts: int) -> Event:
    message_id = mid(author, client) if author else None
    return event("ReactionsGiven", message_id=message_id, counts=counts)


def reported(by: str, author: str, client: str, *, reason: str = "abuse", **more: Any) -> Event:
    return event("ReportSubmitted", account_id=by, reason=reason, message=copy(author, client), **more)


def sanctioned(
    account_id: str, kind: str, duration_s: int | None = None, *, by: str = OWNER, device: bool = False,
    network: bool = False, **more: Any,
) -> Event:  # fmt: skip
    return event(
        "SanctionRequested", actor_id=by, privileged=False, account_id=account_id, kind=kind,
        duration_s=duration_s, with_device=device, with_network=network, reason="", **more,
    )  # fmt: skip


def moderator(account_id: str, *, on: bool = True, by: str = OWNER, **more: Any) -> Event:
    return event(
        "ModeratorChangeRequested", actor_id=by, privileged=False, account_id=account_id, added=on, **more
    )


def members(*account_ids: str, by: str = OWNER, kind: str = "member", on: bool = True, **more: Any) -> Event:
    return event(
        "MembersChangeRequested", actor_id=by, privileged=False, account_ids=list(account_ids), kind=kind,
        added=on, **more,
    )  # fmt: skip


def follows(account_id: str, **more: Any) -> Event:
    return members(account_id, by=account_id, kind="follower", **more)


def decided(*messages: tuple[str, str], approved: bool, by: str = OWNER, **more: Any) -> Event:
    message_ids = [mid(*each) for each in messages]
    return event(
        "ReviewDecided", actor_id=by, privileged=False, message_ids=message_ids, approved=approved, **more
    )


def screening(rules: str, *, based_on: int, by: str = OWNER, **more: Any) -> Event:
    return event(
        "ScreeningChangeRequested", actor_id=by, privileged=False, rules=rules, based_on=based_on, **more
    )


class Shelf:
    """The keys that a projection's ops write, as Redis would hold them."""

    def __init__(self) -> None:
        self.streams: dict[str, dict[int, dict[str, Any]]] = {}
        self.hashes: dict[str, dict[str, Any]] = {}
        self.zsets: dict[str, dict[str, float]] = {}
        self.told: dict[str, list[dict[str, Any]]] = {}

    def write(self, op: Op) -> None:
        key, args = op.suffix, op.args
        match op.command:
            case "XADD":
                assert args[:2] == ("MAXLEN", "=")
                stream = self.streams.setdefault(key, {})
                offset = int(str(args[3]).removesuffix("-0"))
                assert all(offset > each for each in stream), "Redis takes ids that grow alone"
                stream[offset] = orjson.loads(args[5])
                while len(stream) > int(args[2]):
                    del stream[min(stream)]
            case "XDEL":
                for each in args:
                    self.streams.get(key, {}).pop(int(str(each).removesuffix("-0")), None)
            case "SPUBLISH":
                self.told.setdefault(key, []).append(orjson.loads(args[0]))
            case "HSET":
                self.hashes.setdefault(key, {})[str(args[0])] = args[1]
            case "HDEL":
                self.hashes.get(key, {}).pop(str(args[0]), None)
            case "ZADD":
                self.zsets.setdefault(key, {})[str(args[1])] = float(args[0])
            case other:
                raise AssertionError(f"a projection of the chat domain writes no {other}")


@dataclass
class Story:
    """Folds requests, and their events into both projections and rows; `outs` are those of the last one."""

    state: Any = None
    room: Any = None
    desk: Any = None
    outs: list[Out] = field(default_factory=list)
    shelf: Shelf = field(default_factory=Shelf)
    rows: list[dict[str, Any]] = field(default_factory=list)
    offset: int = 0

    def given(self, *events: Event) -> Story:
        for each in events:
            before = orjson.dumps(self.state)
            held, self.outs = self.state, []
            self.state, self.outs = decide(self.state, each)
            assert orjson.dumps(held) == before, "a decider changed the state that it was given"
            self.state = orjson.loads(orjson.dumps(self.state))
            for out in self.outs:
                codec().encode(out.type, out.data)
                self._show(Event(out.type, out.key, out.data, at_ms=each.at_ms, offset=self.offset))
                self.offset += 1
        return self

    def _show(self, said: Event) -> None:
        shown = (orjson.dumps(self.room), orjson.dumps(self.desk))
        room, of_room = rooms(self.room, said)
        on_desk, of_desk = desk(self.desk, said)
        assert (orjson.dumps(self.room), orjson.dumps(self.desk)) == shown, "a projector changed its state"
        self.room, self.desk = orjson.loads(orjson.dumps(room)), orjson.loads(orjson.dumps(on_desk))
        for op in (*of_room, *of_desk):
            self.shelf.write(op)
        self.rows += rows(said)

    def when(self, each: Event) -> Story:
        return self.given(each)

    def then(self, *names: str) -> Story:
        """The last event led to exactly these, in this order."""
        assert [_name(out) for out in self.outs] == list(names)
        return self

    def refused(self, each: Event, code: str) -> Story:
        """The event is refused with this code, and changes nothing."""
        before = orjson.dumps(self.state)
        with pytest.raises(Refuse) as refusal:
            decide(self.state, each)
        assert refusal.value.code == code
        assert refusal.value.detail
        assert orjson.dumps(self.state) == before
        return self

    def data(self, name: str) -> dict[str, Any]:
        """The content of the one output of that name."""
        found = [out.data for out in self.outs if _name(out) == name]
        assert len(found) == 1, f"expected one {name}, found {[_name(out) for out in self.outs]}"
        return dict(found[0])

    @property
    def stream(self) -> list[dict[str, Any]]:
        """The deltas in the room's stream, in order."""
        return [delta for _, delta in sorted(self.shelf.streams.get(f"room:{ROOM}", {}).items())]

    def seen_by(self, account_id: str) -> dict[str, str]:
        """Message id -> text, of what a client shows that reads the whole stream."""
        shown: dict[str, str] = {}
        for delta in self.stream:
            if delta.get("only", account_id) != account_id:
                continue
            match delta["kind"]:
                case "message":
                    shown[delta["message_id"]] = delta["text_sealed"]
                case "edited":
                    shown[delta["message_id"]] = delta["text_sealed"]
                case "removed" | "purged":
                    for message_id in delta["message_ids"]:
                        shown.pop(message_id, None)
        return shown


def _name(out: Out) -> str:
    return out.type.rpartition(".")[2]


def room(**settings: Any) -> Story:
    """A room that is there, with a moderator beside its owner."""
    return Story().given(opened(**settings), moderator(MODERATOR))
