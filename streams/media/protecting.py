"""Protecting a finished film: made anew by the same plan, with keys, it plays as it did meanwhile. Pure.

    ready -> protecting: keys and plan -> chunks -> storyboard -> ready, and what was before is erased
             given up: ready as before, and what was begun is erased

Each beginning has keys of its own, and with them a folder of its own: nothing that comes late from one can
end up in another. Who reports on a plan that the film plays by no more may have written after the erasure
looked, so it looks again.
"""

from __future__ import annotations

from typing import Any

from schemas.media.protection import SCHEMES
from streams.engine import Refuse
from streams.media import bandwidth, life
from streams.media.life import State
from streams.media.turn import Turn


def requested(turn: Turn, data: dict[str, Any]) -> None:
    """Whether the actor may was decided by the gateway, which also says what the film plays by."""
    wanted, plan = data["protection"], data["plan"]
    _refuse_unless_it_can(turn, wanted, plan)
    before = plan.get("protection")
    last = max(turn.state.get("key_version", 0), before["version"] if before is not None else 0)
    wanted = {**wanted, "version": last + 1}
    turn.say("ProtectionStarted", protection=wanted, actor=data["actor"])
    turn.state.update({
        "phase": "protecting",
        "source": data["source"],
        "plan": plan,
        "protection": wanted,
        "profile_hash": plan["profile_hash"],
        "key_version": wanted["version"],
    })  # fmt: skip
    turn.ask(life.PROTECTION)


def _refuse_unless_it_can(turn: Turn, wanted: dict[str, Any], plan: dict[str, Any]) -> None:
    state, phase = turn.state, turn.state["phase"]
    if phase == "deleted":
        raise Refuse("asset_deleted", f"Asset {turn.asset_id} is deleted: nothing of it can be protected.")
    if phase == "failed":
        raise Refuse("asset_failed", f"Asset {turn.asset_id} failed: upload the film again, protected.")
    if phase == "protecting":
        raise Refuse("protection_running", "The film is being protected now: wait until that is done.")
    if phase != "ready":
        raise Refuse("asset_not_ready", "The film is not ready yet: ask again when it is.")
    if life.STORYBOARD in turn.waiting:
        raise Refuse("pictures_pending", "The film's preview pictures are being made: ask again in a moment.")
    if wanted["scheme"] not in SCHEMES:
        raise Refuse("scheme_unknown", f"protection: the scheme must be one of {', '.join(SCHEMES)}.")
    if state.get("profile_hash", plan["profile_hash"]) != plan["profile_hash"]:
        raise Refuse("film_changed", "The film was protected meanwhile: look at it, then ask again.")
    before = plan.get("protection")
    if before is not None and all(before[name] == wanted[name] for name in ("scheme", "systems")):
        raise Refuse(
            "protected_already",
            f"The film is protected so: {before['scheme']} for {', '.join(before['systems'])}. "
            "Its policy is changed with PATCH /v1/films/{asset_id} of the drm service.",
        )


def planned(turn: Turn, data: dict[str, Any]) -> None:
    plan = data["plan"]
    if life.PROTECTION not in turn.waiting or plan["protection"]["version"] != turn.state["key_version"]:
        return
    turn.answered(life.PROTECTION)
    turn.state.update({"plan": plan, "next_chunk": 0, "measured": {}})
    turn.fill_window()


def publish(turn: Turn, storyboard: dict[str, Any] | None) -> None:
    """From here on the film plays by its new plan."""
    plan = turn.state["plan"]
    turn.answered(life.STORYBOARD)
    turn.say(
        "AssetProtected",
        plan=plan,
        renditions=bandwidth.measured_renditions(turn.state["measured"], plan),
        poster=turn.state.get("poster"),
        storyboard=storyboard,
    )
    _over(turn, plays_by=plan["profile_hash"], retired=turn.state["profile_hash"])


def give_up(turn: Turn, code: str, sentence: str) -> None:
    """The film stays as it was."""
    begun, plays_by = turn.state["plan"]["profile_hash"], turn.state["profile_hash"]
    for name in [name for name in turn.waiting if name != life.ERASURE]:
        turn.answered(name)
    turn.say("ProtectionFailed", code=code, sentence=sentence)
    _over(turn, plays_by=plays_by, retired=begun if begun != plays_by else None)


def _over(turn: Turn, *, plays_by: str, retired: str | None) -> None:
    state = turn.state
    kept: State = {"phase": "ready", "profile_hash": plays_by, "key_version": state["key_version"]}
    if "retired" in state:
        kept["retired"] = state["retired"]
    turn.keep(kept)
    if retired is not None:
        _retire(turn, retired)


def _retire(turn: Turn, profile_hash: str) -> None:
    retired = turn.state.get("retired", [])
    turn.state["retired"] = [*(each for each in retired if each != profile_hash), profile_hash]
    turn.erase()


def outdated(turn: Turn, profile_hash: str) -> bool:
    """Whether a report is on a plan by which the film neither plays nor is made: its objects are erased."""
    state = turn.state
    if "profile_hash" not in state or profile_hash == state["profile_hash"]:
        return False
    if state["phase"] == "protecting" and profile_hash == state["plan"]["profile_hash"]:
        return False
    _retire(turn, profile_hash)
    return True


def erased(turn: Turn, object_count: int) -> None:
    """Of a film that plays: nothing is left of what was before."""
    if "retired" in turn.state:
        turn.say("RenditionsErased", profile_hashes=turn.state["retired"], object_count=object_count)
        del turn.state["retired"]
