"""Given/when/then for the identity domain: events made of few words, and a story that folds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from schemas.event import Event
from schemas.wire import codec
from streams.engine import Out, Refuse
from streams.identity.projections import accounts
from streams.identity.rules import decide

ACCOUNT = "a" * 32
ADDRESS = "b" * 64
ADMIN = "administrator"
HOUR_MS = 3600_000


def event(name: str, *, at_ms: int = 1_000_000, key: str = ACCOUNT, **data: Any) -> Event:
    """One event of the identity domain (or, with a dot in its name, of another)."""
    full = f"kinolog.{name}" if "." in name else f"kinolog.identity.{name}"
    if not full.startswith("kinolog.engine."):
        data = {"account_id": ACCOUNT, **data}
    codec().encode(full, data)  # an event that does not fit its schema fails here as it would on the log
    return Event(type=full, key=key, data=data, id=f"{name}@{at_ms}", at_ms=at_ms)


def requested(*, link: str | None = "c" * 32, **more: Any) -> Event:
    """The account is to be opened: invited, or active at once without a link."""
    return event(
        "AccountRequested",
        address_hmac=ADDRESS,
        email_sealed="c2VhbGVk",
        display_name_sealed=None,
        roles=["viewer"],
        link_id=link,
        link_expires_at_ms=None if link is None else 1_000_000 + 72 * HOUR_MS,
        actor=ADMIN,
        reason_sealed=None,
        **more,
    )


def redeemed(link: str = "c" * 32, **more: Any) -> Event:
    """The password is kept under the link's id."""
    return event("LinkRedeemed", link_id=link, password_id=link, display_name_sealed=None, **more)


def replaced(password_id: str, *, replaces: str | None, keep: str | None = None, **more: Any) -> Event:
    """The owner, who knew the password `replaces`, set another."""
    return event("PasswordReplaced", keep_sid=keep, password_id=password_id, replaces_id=replaces, **more)


def link_asked(link: str, *, at_ms: int = 1_000_000, **more: Any) -> Event:
    expires_at_ms = at_ms + 72 * HOUR_MS
    return event(
        "LinkRequested", at_ms=at_ms, link_id=link, expires_at_ms=expires_at_ms, actor=ADMIN,
        reason_sealed=None, **more,
    )  # fmt: skip


def session(
    sid: str, *, at_ms: int = 1_000_000, lasts_ms: int = 12 * HOUR_MS, password: str | None = "c" * 32
) -> Event:
    """A sign-in with the password that `redeemed` set, or with another."""
    return event(
        "SessionRequested", at_ms=at_ms, sid=sid, expires_at_ms=at_ms + lasts_ms, agent_sealed=None,
        country=None, password_id=password,
    )  # fmt: skip


def ended(sid: str | None = None, keep: str | None = None, **more: Any) -> Event:
    return event("SessionEndRequested", sid=sid, keep_sid=keep, reason="signed_out", actor=ACCOUNT, **more)


def key(key_id: str, *, replaces: str | None = None, overlap_ms: int | None = None, **more: Any) -> Event:
    return event(
        "ApiKeyRequested", key_id=key_id, name_sealed="bmFtZQ==", prefix=f"kino_{key_id}",
        scopes=["assets:read"], expires_at_ms=None, replaces=replaces, overlap_ms=overlap_ms, **more,
    )  # fmt: skip


def revoked(key_id: str, **more: Any) -> Event:
    return event("ApiKeyRevocationRequested", key_id=key_id, actor=ACCOUNT, **more)


def changed(*, roles: list[str] | None = None, disabled: bool | None = None, **more: Any) -> Event:
    return event(
        "AccountChangeRequested", roles=roles, disabled=disabled, actor=ADMIN, reason_sealed=None, **more
    )


def erase(**more: Any) -> Event:
    return event("ErasureRequested", actor=ADMIN, reason_sealed=None, **more)


def forgotten(attempt: int = 1, **more: Any) -> Event:
    return event("VaultForgotten", work_id=f"{ACCOUNT}:forgetting", attempt=attempt, **more)


def due(at_ms: int) -> Event:
    return event(
        "engine.TimerDue", at_ms=at_ms, timer_id=f"identity.account:{ACCOUNT}", due_at_ms=at_ms, note=""
    )


Decide = Callable[[Any, Event], tuple[Any, list[Out]]]


@dataclass
class Story:
    """Folds requests, and their events into the account's document; `outs` are those of the last one."""

    decide: Decide = decide
    state: Any = None
    document: Any = None
    outs: list[Out] = field(default_factory=list)

    def given(self, *events: Event) -> Story:
        for each in events:
            before = orjson.dumps(self.state)
            held, self.outs = self.state, []
            self.state, self.outs = self.decide(self.state, each)
            assert orjson.dumps(held) == before, "a decider changed the state that it was given"
            for out in self.outs:
                codec().encode(out.type, out.data)
                if out.topic == "identity.account.events":
                    said = Event(out.type, out.key, out.data, at_ms=each.at_ms)
                    self.document, _ = accounts(self.document, said)
        return self

    def when(self, each: Event) -> Story:
        return self.given(each)

    def then(self, *names: str) -> Story:
        """The last event led to exactly these, in this order; what is tidied away has `drops`."""
        said = [_name(out) for out in self.outs]
        assert [name for name in said if name != "DiscardRequested"] == list(names)
        return self

    def drops(self, *entries: str) -> Story:
        """The last event made exactly these entries of the vault's useless."""
        asked = [out.data["entries"] for out in self.outs if _name(out) == "DiscardRequested"]
        assert asked == ([list(entries)] if entries else [])
        return self

    def refused(self, each: Event, code: str) -> Story:
        """The event is refused with this code, and changes nothing."""
        before = orjson.dumps(self.state)
        with pytest.raises(Refuse) as refusal:
            self.decide(self.state, each)
        assert refusal.value.code == code
        assert refusal.value.detail
        assert orjson.dumps(self.state) == before
        return self

    def data(self, name: str) -> dict[str, Any]:
        """The content of the one output of that name."""
        found = [out.data for out in self.outs if _name(out) == name]
        assert len(found) == 1, f"expected one {name}, found {[_name(out) for out in self.outs]}"
        return dict(found[0])


def _name(out: Out) -> str:
    return out.type.rpartition(".")[2]


def active() -> Story:
    """An account that was invited and has redeemed its link."""
    return Story().given(requested(), redeemed())
