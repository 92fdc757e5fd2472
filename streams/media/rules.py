"""The life of an asset, from its first byte to its erasure: every decision about it. Pure.

    uploading -> probing -> processing -> ready <-> protecting
         any of the first three -> failed;  any of these -> deleted

`decide` is a fold over requests: what gateways ask, what workers report, what the asset's timer reminds of.
Reports come in any order, twice, late or never: each counts once, and what stays silent is asked for again
until it is answered or the asset is gone. Refusals tell a gateway why; reports that no longer matter are
passed over in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.event import Event
from schemas.media.protection import SCHEMES
from schemas.media.visibility import VISIBILITIES, owner_of, visibility_of
from streams.engine import Out, Refuse
from streams.media import bandwidth, life, protecting
from streams.media.life import State
from streams.media.turn import Turn


def decide(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """The asset's new state and what is to be said. Raises Refuse for a request about nothing."""
    if event.type == "kinolog.media.UploadStarted":
        return _begin(state, event)
    if state is None:
        if event.type in _GATEWAY_REQUESTS:
            raise Refuse("asset_unknown", f"There is no asset {event.key}: upload a file to make one.")
        return None, []
    turn = Turn(state, event, _now_ms(event))
    _RULES[event.type](turn, event.data)
    return turn.finish()


def _now_ms(event: Event) -> int:
    # The clock of whoever sent the reminder may be behind the one that asked for it.
    return max(event.at_ms, int(event.data.get("due_at_ms", 0)))


# --- upload


def _begin(state: State | None, event: Event) -> tuple[State, list[Out]]:
    if state is not None:
        raise Refuse("asset_exists", f"Asset {event.key} exists already: choose a new id for a new upload.")
    if (event.data.get("protection") or {"scheme": SCHEMES[0]})["scheme"] not in SCHEMES:
        raise Refuse("scheme_unknown", f"protection: the scheme must be one of {', '.join(SCHEMES)}.")
    turn = Turn({"phase": "uploading"}, event, event.at_ms)
    data = event.data
    turn.say(
        "AssetCreated",
        title=data["title"],
        title_sealed=data.get("title_sealed"),
        file_name=data["file_name"],
        declared_size_bytes=data["declared_size_bytes"],
        owner_id=owner_of(data),
        visibility=visibility_of(data),
        protection=data.get("protection"),
    )
    if data.get("protection") is not None:
        turn.state["protection"] = data["protection"]
    turn.own(owner_of(data))
    turn.wait(life.UPLOAD, event.at_ms + life.UPLOAD_PATIENCE_MS)
    return turn.finish()


def _upload_completed(turn: Turn, data: dict[str, Any]) -> None:
    if not _upload_runs(turn):
        return
    turn.answered(life.UPLOAD)
    turn.state["source"] = data["source"]
    turn.state["phase"] = "probing"
    turn.say("AssetUploaded", source=data["source"])
    turn.ask(life.PROBE)


def _upload_failed(turn: Turn, data: dict[str, Any]) -> None:
    if _upload_runs(turn):
        _fail(turn, data["code"], data["sentence"])
        turn.erase()


def _upload_runs(turn: Turn) -> bool:
    """Whether the asset still waits for its upload; if not, refuse, and erase what came in too late."""
    phase = turn.state["phase"]
    if phase == "uploading":
        return True
    turn.refuse(f"asset_{phase}", f"The upload of asset {turn.asset_id} is over: upload the file again.")
    if phase == "deleted" or (phase == "failed" and "source" not in turn.state):
        turn.erase()
    return False


# --- probe


def _source_probed(turn: Turn, data: dict[str, Any]) -> None:
    if turn.state["phase"] != "probing":
        return
    turn.answered(life.PROBE)
    turn.state.pop("protection", None)
    turn.state.update({"phase": "processing", "plan": data["plan"], "next_chunk": 0, "measured": {}})
    turn.say("AssetPlanned", info=data["info"], plan=data["plan"])
    turn.fill_window()


def _source_rejected(turn: Turn, data: dict[str, Any]) -> None:
    if turn.state["phase"] == "probing":
        _fail(turn, data["code"], data["sentence"])


# --- chunks


def _chunk_encoded(turn: Turn, data: dict[str, Any]) -> None:
    if turn.state["phase"] == "deleted":
        turn.erase()  # its segments were written after the erasure looked
        return
    name = life.chunk_name(data["chunk_index"])
    if protecting.outdated(turn, data["profile_hash"]) or not _is_awaited(turn, name, data["profile_hash"]):
        return
    turn.answered(name)
    turn.heard_of_chunks()
    plan, measured = turn.state["plan"], dict(turn.state["measured"])
    for segments in data["renditions"]:
        measured[segments["name"]] = bandwidth.added(measured.get(segments["name"]), segments, plan)
    turn.state["measured"] = measured
    turn.say(
        "ChunkAccepted",
        profile_hash=data["profile_hash"],
        chunk_index=data["chunk_index"],
        renditions=data["renditions"],
    )
    turn.fill_window()
    is_protecting = turn.state["phase"] == "protecting"
    if data["chunk_index"] == 0 and is_protecting:
        turn.state["poster"] = data.get("poster")
    elif data["chunk_index"] == 0:
        turn.say(
            "AssetPlayable",
            profile_hash=data["profile_hash"],
            renditions=_playable(data["renditions"]),
            poster=data.get("poster"),
        )
    if not turn.chunks_awaited():
        if is_protecting:
            turn.ask(life.STORYBOARD)
        else:
            _ready(turn)


def _playable(renditions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": r["name"], "codecs": r["codecs"]} for r in renditions]


def _ready(turn: Turn) -> None:
    plan = turn.state["plan"]
    renditions = bandwidth.measured_renditions(turn.state["measured"], plan)
    turn.say("AssetReady", profile_hash=plan["profile_hash"], renditions=renditions)
    turn.state["phase"] = "ready"
    del turn.state["measured"], turn.state["next_chunk"]
    turn.ask(life.STORYBOARD)


def _chunk_failed(turn: Turn, data: dict[str, Any]) -> None:
    name = life.chunk_name(data["chunk_index"])
    if protecting.outdated(turn, data["profile_hash"]) or not _is_awaited(turn, name, data["profile_hash"]):
        return
    turn.heard_of_chunks()
    if _gives_up(turn, name, data):
        _fail(turn, data["code"], data["sentence"])


def _is_awaited(turn: Turn, name: str, profile_hash: str) -> bool:
    """Whether a report counts: asked for, not yet answered, and made by this plan."""
    return name in turn.waiting and turn.state["plan"]["profile_hash"] == profile_hash


# --- storyboard: made of the encoded film, so it holds nothing up


def _storyboard_made(turn: Turn, data: dict[str, Any]) -> None:
    if turn.state["phase"] == "deleted":
        turn.erase()
        return
    if protecting.outdated(turn, data["profile_hash"]):
        return
    if _is_awaited(turn, life.STORYBOARD, data["profile_hash"]):
        made = {k: v for k, v in data.items() if k not in ("asset_id", "work_id")}
        if turn.state["phase"] == "protecting":
            protecting.publish(turn, {k: v for k, v in made.items() if k != "profile_hash"})
            return
        turn.say("StoryboardAdded", **made)
        _finished(turn)


def _finished(turn: Turn) -> None:
    """Nothing is left to be asked for: the state of a finished film is a few bytes."""
    turn.answered(life.STORYBOARD)
    turn.keep({"phase": "ready"})


# --- failures


def _work_failed(turn: Turn, data: dict[str, Any]) -> None:
    name = data["kind"]
    if name == life.STORYBOARD and protecting.outdated(turn, life.profile_of(data["work_id"])):
        return
    if name not in turn.waiting:
        return
    if name == life.ERASURE:
        if _is_current(turn, name, data):
            turn.retry_later(name)  # for ever: a deleted asset must not leave anything behind
    elif _gives_up(turn, name, data):
        if name == life.STORYBOARD and turn.state["phase"] == "protecting":
            protecting.publish(turn, None)
        elif name == life.STORYBOARD:
            _finished(turn)
        else:
            _fail(turn, data["code"], data["sentence"])


def _gives_up(turn: Turn, name: str, data: dict[str, Any]) -> bool:
    """Count a reported failure; True when another attempt makes no sense."""
    if not data["retryable"]:
        return True
    return _is_current(turn, name, data) and turn.retry_later(name) >= life.MAX_FAILURES


def _is_current(turn: Turn, name: str, data: dict[str, Any]) -> bool:
    """Whether a failure is the current attempt's, told for the first time."""
    entry = turn.waiting[name]
    return bool(entry["attempt"] == data["attempt"] and not entry["failed"])


def _fail(turn: Turn, code: str, sentence: str) -> None:
    during = turn.state["phase"]
    if during == "protecting":
        protecting.give_up(turn, code, sentence)
        return
    turn.waiting.clear()
    turn.say("AssetFailed", during=during, code=code, sentence=sentence)
    kept: State = {"phase": "failed"}
    if during != "uploading":
        kept["source"] = turn.state["source"]  # whole, so it is kept until somebody deletes the asset
    turn.keep(kept)


# --- title and visibility


def _change_requested(turn: Turn, data: dict[str, Any]) -> None:
    """Whether the actor may was decided by the gateway, which knows whose the asset is."""
    if turn.state["phase"] == "deleted":
        raise Refuse("asset_deleted", f"Asset {turn.asset_id} is deleted: nothing of it can be changed.")
    if data["visibility"] not in (None, *VISIBILITIES):
        raise Refuse("visibility_unknown", f"visibility must be one of {', '.join(VISIBILITIES)}.")
    sealed = data.get("title_sealed")
    if data["title"] is None and sealed is None and data["visibility"] is None:
        raise Refuse("nothing_to_change", "Name a new title, a new visibility, or both.")
    turn.say(
        "AssetChanged",
        title=data["title"],
        title_sealed=sealed,
        visibility=data["visibility"],
        actor=data["actor"],
    )


# --- another owner


def _transfer_requested(turn: Turn, data: dict[str, Any]) -> None:
    """Only owners who leave ask for it: an asset that is no more theirs is left alone."""
    before, heir_id = data["owner_id"], data["heir_id"]
    if turn.state["phase"] == "deleted":
        raise Refuse("asset_deleted", f"Asset {turn.asset_id} is deleted: nothing of it can be changed.")
    if turn.state.get("owner_id") != before:
        raise Refuse("owner_changed", f"Asset {turn.asset_id} is somebody else's by now.")
    turn.say("AssetTransferred", owner_id=heir_id, previous_owner_id=before, actor=data["actor"])
    turn.own(heir_id, inherited=True)


# --- deletion


def _deletion_requested(turn: Turn, _: dict[str, Any]) -> None:
    phase = turn.state["phase"]
    if phase == "deleted":
        raise Refuse("asset_deleted", f"Asset {turn.asset_id} is deleted already: nothing is left to do.")
    turn.waiting.clear()
    turn.say("AssetDeleted")
    turn.disown()
    turn.keep({"phase": "deleted"})
    turn.erase()
    if phase == "uploading":
        turn.wait(life.SWEEP, turn.now_ms + life.UPLOAD_PATIENCE_MS)


def _objects_erased(turn: Turn, data: dict[str, Any]) -> None:
    entry = turn.waiting.get(life.ERASURE)
    if entry is None or data["attempt"] < entry["attempt"]:
        return
    if entry["again"]:
        turn.ask(life.ERASURE)
        return
    turn.answered(life.ERASURE)
    if turn.state["phase"] == "deleted":
        turn.say("AssetErased", object_count=data["object_count"])
    else:
        protecting.erased(turn, data["object_count"])


# --- reminders


def _timer_due(turn: Turn, data: dict[str, Any]) -> None:
    if turn.state.get("timer_at_ms") == data["due_at_ms"]:
        del turn.state["timer_at_ms"]
    turn.state["fired_at_ms"] = max(turn.state.get("fired_at_ms", 0), data["due_at_ms"])
    due = [name for name, entry in turn.waiting.items() if entry["due_at_ms"] <= turn.now_ms]
    for name in due:
        if name == life.UPLOAD:
            _fail(turn, "upload_abandoned", "No end of this upload arrived within 24 hours: upload it again.")
            turn.erase()
        elif name == life.SWEEP:
            turn.answered(life.SWEEP)
            turn.erase()
        else:
            turn.ask(name)


_RULES: Final[dict[str, Callable[[Turn, dict[str, Any]], None]]] = {
    "kinolog.media.UploadCompleted": _upload_completed,
    "kinolog.media.UploadFailed": _upload_failed,
    "kinolog.media.AssetChangeRequested": _change_requested,
    "kinolog.media.DeletionRequested": _deletion_requested,
    "kinolog.media.TransferRequested": _transfer_requested,
    "kinolog.media.ProtectionRequested": protecting.requested,
    "kinolog.media.SourceProbed": _source_probed,
    "kinolog.media.SourceRejected": _source_rejected,
    "kinolog.media.ChunkEncoded": _chunk_encoded,
    "kinolog.media.ChunkFailed": _chunk_failed,
    "kinolog.media.StoryboardMade": _storyboard_made,
    "kinolog.media.ProtectionPlanned": protecting.planned,
    "kinolog.media.WorkFailed": _work_failed,
    "kinolog.media.ObjectsErased": _objects_erased,
    "kinolog.engine.TimerDue": _timer_due,
}
_GATEWAY_REQUESTS: Final = frozenset(
    f"kinolog.media.{name}"
    for name in (
        "UploadCompleted",
        "UploadFailed",
        "AssetChangeRequested",
        "DeletionRequested",
        "TransferRequested",
        "ProtectionRequested",
    )
)
