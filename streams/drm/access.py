"""What policies say, and who may watch a film: small deciders, and the documents of what they said. Pure."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from schemas.drm.views import FILM_EVENTS, NOTHING_SAID, POLICY_EVENTS, FilmDocument, PolicyDocument
from schemas.event import Event
from streams.engine import Out, Refuse

_CHANGES: Final = ("access", "policy_id", "stopped")


class PolicyState(TypedDict):
    """A policy's newest version, from 1."""

    version: int


def decide_policy(state: PolicyState | None, event: Event) -> tuple[PolicyState, list[Out]]:
    """The policy's next version. Raises Refuse where somebody else changed it meanwhile."""
    data, version = event.data, state["version"] if state else 0
    if data["replaces"] != version:
        raise Refuse(
            "policy_changed", f"The policy is at version {version} by now: look at it, then change it."
        )
    said = {"policy_id": event.key, "version": version + 1, "rules": data["rules"], "actor": data["actor"]}
    return {"version": version + 1}, [Out(POLICY_EVENTS, event.key, "kinolog.drm.PolicyChanged", said)]


def decide_film(state: FilmDocument | None, event: Event) -> tuple[FilmDocument, list[Out]]:
    """What the request names changes, the rest stays."""
    data = event.data
    changes = {name: data[name] for name in _CHANGES if data[name] is not None}
    new: FilmDocument = {**(state or NOTHING_SAID), **changes}  # type: ignore[typeddict-item]
    said = {"asset_id": event.key, **new, "actor": data["actor"]}
    return new, [Out(FILM_EVENTS, event.key, "kinolog.drm.AccessChanged", said)]


def policy_document(event: Event) -> PolicyDocument:
    """After a PolicyChanged."""
    return {"version": event.data["version"], "rules": event.data["rules"], "changed_at_ms": event.at_ms}


def film_document(event: Event) -> dict[str, Any]:
    """After an AccessChanged."""
    return {name: event.data[name] for name in _CHANGES}
