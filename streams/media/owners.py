"""What belongs to an owner, and what becomes of it when their account is erased. Pure.

The asset's decider reports each asset that somebody gains or loses, so this one knows them all, also those
whose upload has just begun. When the owner leaves, it asks for the end of each: a deletion, or another owner.
What comes in afterwards (an upload that began in the last moment) goes the same way.
"""

from __future__ import annotations

from typing import Any, Final, TypedDict

from schemas.event import Event
from streams.engine import Out

REQUESTS: Final = "media.owner.requests"
EVENTS: Final = "media.owner.events"
ASSETS: Final = "media.asset.requests"
WINDOW: Final = 100  # assets of one owner asked for at once: each that is done asks for the next
DELETE: Final = "delete"
TRANSFER: Final = "transfer"


class Leaving(TypedDict):
    """How an owner leaves."""

    films: str  # delete or transfer
    heir_id: str | None  # None: the administrator
    actor: str


class State(TypedDict, total=False):
    """The decider's document for one owner. None: nothing was ever theirs, and they are still there."""

    assets: dict[str, bool]  # asset id -> whether its end was asked for
    leaving: Leaving  # stays for ever: nobody comes back


def departed(event: Event) -> list[Out]:
    """What an event of an account means here: only that its erasure has begun."""
    if event.type != "kinolog.identity.ErasureStarted" or event.data.get("films") is None:
        return []
    said = event.data
    data = {
        "owner_id": event.key, "films": said["films"], "heir_id": said["heir_id"], "actor": said["actor"]
    }  # fmt: skip
    return [Out(REQUESTS, event.key, "kinolog.media.OwnerLeft", data)]


def decide(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """The owner's new state and what is asked for."""
    kept: State = {**(state or {}), "assets": dict(state["assets"]) if state else {}}
    assets, leaving = kept["assets"], kept.get("leaving")
    if event.type == "kinolog.media.OwnerLeft":
        data = event.data
        kept["leaving"] = {"films": data["films"], "heir_id": data["heir_id"], "actor": data["actor"]}
        outs = _next(kept, event.key, WINDOW)
        return kept, outs if assets else [_cleared(event.key)]
    asset_id: str = event.data["asset_id"]
    if event.type == "kinolog.media.AssetGained":
        assets[asset_id] = leaving is not None
        if leaving is None:
            return kept, []
        # What was left to somebody who is gone as well is not lost, and is never passed on in circles.
        ending: Leaving = (
            {**leaving, "films": TRANSFER, "heir_id": None} if event.data["inherited"] else leaving
        )
        return kept, [_ending(ending, event.key, asset_id)]
    assets.pop(asset_id, None)
    if leaving is None:
        return kept if assets else None, []
    return kept, _next(kept, event.key, 1) if assets else [_cleared(event.key)]


def _next(kept: State, owner_id: str, most: int) -> list[Out]:
    """Ask for the end of so many more assets, in the order in which they came."""
    chosen = [asset_id for asset_id, asked in kept["assets"].items() if not asked][:most]
    kept["assets"].update(dict.fromkeys(chosen, True))
    return [_ending(kept["leaving"], owner_id, asset_id) for asset_id in chosen]


def _ending(leaving: Leaving, owner_id: str, asset_id: str) -> Out:
    actor = leaving["actor"]
    data: dict[str, Any] = {
        "asset_id": asset_id, "owner_id": owner_id, "actor": actor, "privileged": actor != owner_id
    }  # fmt: skip
    if leaving["films"] == DELETE:
        return Out(ASSETS, asset_id, "kinolog.media.DeletionRequested", data)
    return Out(ASSETS, asset_id, "kinolog.media.TransferRequested", {**data, "heir_id": leaving["heir_id"]})


def _cleared(owner_id: str) -> Out:
    return Out(EVENTS, owner_id, "kinolog.media.OwnerCleared", {"owner_id": owner_id})
