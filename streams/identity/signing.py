"""Which key pairs sign session tokens: one decider for the one set of keys. Pure."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from schemas.event import Event
from streams.engine import Out, Refuse

EVENTS: Final = "identity.signing.events"


class State(TypedDict):
    """The decider's document: the keys that nobody has retired, and all ids that there ever were."""

    active: list[str]
    kids: list[str]


def decide(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """The new key takes over from those before it, which verify on for a while."""
    data = event.data
    known: State = state or {"active": [], "kids": []}
    if data["only_first"] and known["active"]:
        raise Refuse("signing_key_exists", "There is a signing key already: use it, or ask for a rotation.")
    if data["kid"] in known["kids"]:
        raise Refuse("kid_taken", "There was a signing key of this id before: make another one.")
    added = {name: data[name] for name in ("name", "kid", "alg", "jwk", "signs_from_ms", "actor")}
    outs = [_said("SigningKeyAdded", event.key, added)]
    for kid in known["active"]:
        until = {"name": data["name"], "kid": kid, "verifies_until_ms": data["others_verify_until_ms"]}
        outs.append(_said("SigningKeyRetired", event.key, until))
    return {"active": [data["kid"]], "kids": [*known["kids"], data["kid"]]}, outs


def _said(name: str, key: str, data: dict[str, Any]) -> Out:
    return Out(EVENTS, key, f"kinolog.identity.{name}", data)
