"""One decision in the making: a state that may be changed freely, and what is said on the way. Pure."""

from __future__ import annotations

from typing import Any, Final

from schemas.event import Event
from streams.engine import Out, Refuse
from streams.identity import life
from streams.identity.life import Key, Link, Session, State

REQUESTS: Final = "identity.account.requests"
EVENTS: Final = "identity.account.events"
ADDRESSES: Final = "identity.address.requests"
TIMERS: Final = "engine.timer.requests"


class Turn:
    """A copy of the state (the given one stays as it was) and the outputs so far, in order."""

    def __init__(self, state: State, event: Event) -> None:
        now_ms = event.at_ms
        self.state: State = {
            **state,
            "sessions": {s: v for s, v in state["sessions"].items() if v["expires_at_ms"] > now_ms},
            "api_keys": {k: v for k, v in state["api_keys"].items() if not _is_over(v, now_ms)},
        }
        self.account_id = event.key
        self.event = event
        self.now_ms = now_ms
        self.outs: list[Out] = []
        self._useless: list[str] = []

    @property
    def phase(self) -> str:
        return self.state["phase"]

    @property
    def sessions(self) -> dict[str, Session]:
        """Login sessions that run, by sid."""
        return self.state["sessions"]

    @property
    def keys(self) -> dict[str, Key]:
        """API keys, by key_id."""
        return self.state["api_keys"]

    @property
    def link(self) -> Link | None:
        """The one-time link that works now."""
        link = self.state.get("link")
        return link if link is not None and link["expires_at_ms"] > self.now_ms else None

    def say(self, name: str, **data: Any) -> None:
        """An event about the account, as `kinolog.identity.<name>`."""
        full = {"account_id": self.account_id, **data}
        self.outs.append(Out(EVENTS, self.account_id, f"kinolog.identity.{name}", full))

    def must_be(self, *phases: str) -> None:
        """Raises Refuse, with a sentence for whoever asked, unless the account is in one of these."""
        if self.phase not in phases:
            raise Refuse(f"account_{self.phase}", f"The account is {_WORDS[self.phase]}.")

    def must_count(self, password_id: str | None) -> None:
        """Raises Refuse unless it is this password that the account has now."""
        if self.state.get("password_id") != password_id:
            raise Refuse("password_changed", "The password was changed at this moment: sign in with it.")

    def end_sessions(self, reason: str, *, keep: str | None = None) -> None:
        """End all login sessions but `keep`."""
        for sid in [sid for sid in self.sessions if sid != keep]:
            self.end_session(sid, reason)

    def end_session(self, sid: str, reason: str) -> None:
        """End one that runs."""
        del self.sessions[sid]
        self.say("SessionEnded", sid=sid, reason=reason)
        self.discard("login_session", sid)

    def take_password(self, password_id: str | None) -> None:
        """From now on this one counts; what it took the place of opens nothing any more."""
        before = self.state.get("password_id")
        self.state["password_id"] = password_id
        if before != password_id:
            self.discard("password", before or self.account_id)

    def discard(self, kind: str, entry_id: str) -> None:
        """An entry of the vault's is useless from now on."""
        self._useless.append(f"{kind}:{entry_id}")

    def all_outs(self) -> list[Out]:
        """What was said, and in the end what the vault may drop; of whom it forgets, it forgets all."""
        if not self._useless or self.phase == "erasing":
            return self.outs
        return [*self.outs, life.discarding(self.account_id, self.event.id, self._useless)]

    def forget(self) -> None:
        """Ask for the vault's forgetting, for the first time or once more, and for a reminder."""
        attempt = self.state["attempt"] = self.state.get("attempt", 0) + 1
        self.outs.append(life.forgetting(self.account_id, attempt))
        timer_id = life.timer_id(self.account_id)
        data = {
            "timer_id": timer_id,
            "due_at_ms": self.now_ms + life.silence_ms(attempt),
            "topic": REQUESTS,
            "key": self.account_id,
            "note": "asks again for the forgetting of this account",
        }
        self.outs.append(Out(TIMERS, timer_id, "kinolog.engine.TimerSet", data))

    def forgotten(self) -> None:
        """Call the reminder off, and give the address back to everybody."""
        timer_id = life.timer_id(self.account_id)
        self.outs.append(Out(TIMERS, timer_id, "kinolog.engine.TimerCancelled", {"timer_id": timer_id}))
        address = self.state["address_hmac"]
        data = {"address_hmac": address, "account_id": self.account_id}
        self.outs.append(Out(ADDRESSES, address, "kinolog.identity.AddressReleased", data))


def _is_over(key: Key, now_ms: int) -> bool:
    """A replaced key whose overlap has passed."""
    return key["ends_at_ms"] is not None and key["ends_at_ms"] <= now_ms


_WORDS: Final = {
    "invited": "still waiting for its invitation to be redeemed: open the invitation's link first",
    "active": "active already: nothing is left to do",
    "disabled": "disabled: ask an administrator to enable it",
    "erasing": "being erased: nothing can be changed any more",
    "erased": "erased: open a new one",
}
