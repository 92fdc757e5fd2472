"""An account's licences, devices and streams: every decision about them. Pure.

`decide` is a fold over requests. All of an account's requests stand in one partition, so two players that ask
at the same moment are decided one after the other, and no more streams play than its policy allows. A stream
counts until its player stops it, or until its lease has passed without a beat; that is decided by the times
of events, so nothing is stuck if a timer comes late.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from schemas.drm.views import REQUESTS
from schemas.event import Event
from streams.drm.policy import Denial, against, right_ends_ms, same_place
from streams.drm.state import AGAIN_MS, MOST_DEVICES, MOST_REPLAYS, State, nothing
from streams.drm.turn import Turn
from streams.engine import Out, Refuse

_PLACE: Final = (
    "jti_hash", "asset_id", "device_id", "stream_id", "system", "policy_id", "policy_version", "country",
    "geo_db",
)  # fmt: skip

_TOKEN_USED: Final = Denial(
    "token_used", "This playback token has been used: POST /v1/tokens gives another one."
)


def decide(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """The account's new state and what is to be said. Raises Refuse for what cannot be."""
    if state is not None and state.get("erased"):
        return state, _too_late(event)
    turn = Turn(state or nothing(), event)
    turn.end_all("lapsed", lambda stream: stream["until_ms"] <= turn.now_ms)
    _RULES[event.type](turn, event.data)
    turn.keep_timer()
    return turn.state, turn.outs


def _licence_requested(turn: Turn, data: dict[str, Any]) -> None:
    if data["trial"]:
        _tried(turn, data)
        return
    state, licence_id = turn.state, turn.event.id
    used = state["tokens"].get(data["jti_hash"])
    if used is not None:
        _used_again(turn, data)
        return
    denial = against(state, data, turn.now_ms)
    if denial is not None:
        _deny(turn, data, denial)
        return
    _take_device(turn, data)
    _start(turn, data)
    state["tokens"][data["jti_hash"]] = {
        "licence_id": licence_id, "device_id": data["device_id"],
        "challenge_hash": data["challenge_hash"], "at_ms": turn.now_ms,
    }  # fmt: skip
    rules = data["rules"]
    turn.say(
        "LicenceGranted", licence_id=licence_id, **_place(data), challenge_hash=data["challenge_hash"],
        kids=data["kids"], offline=data["offline"],
        expires_at_ms=_end_ms(turn, data),
        playback_s=rules["playback_s"], renew_every_s=rules["renew_every_s"], hdcp=rules["hdcp"],
        asked_at_ms=turn.now_ms,
    )  # fmt: skip


def _deny(turn: Turn, data: dict[str, Any], denial: Denial) -> None:
    why = {"streams": list(denial.streams), "devices": list(denial.devices)}
    turn.say(
        "LicenceDenied", licence_id=turn.event.id, **_place(data), code=denial.code, detail=denial.detail,
        **why, asked_at_ms=turn.now_ms,
    )  # fmt: skip
    turn.refuse(denial.code, denial.detail)


def _place(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in _PLACE}


def _tried(turn: Turn, data: dict[str, Any]) -> None:
    """What would be decided now. It leaves no trace in the account."""
    denial = against(turn.state, data, turn.now_ms) or Denial("", "")
    place = {name: data[name] for name in ("asset_id", "device_id")}
    why = {"streams": list(denial.streams), "devices": list(denial.devices)}
    turn.say("LicenceTried", request_id=turn.event.id, **place, code=denial.code, detail=denial.detail, **why)


def _end_ms(turn: Turn, data: dict[str, Any]) -> int | None:
    """When the licence ends: with its time, its window or the right, if the system can end it at all."""
    if "licence_s" not in data["enforces"]:
        return None
    rules, right_ms = data["rules"], right_ends_ms(turn.state, data)
    ends = [rules["not_after_ms"], None if right_ms in (None, math.inf) else int(right_ms or 0)]
    if rules["licence_s"] is not None:
        ends.append(turn.now_ms + rules["licence_s"] * 1000)
    return min((end for end in ends if end is not None), default=None)


def _used_again(turn: Turn, data: dict[str, Any]) -> None:
    """A token makes one licence. Its player may ask for that once more, for a lost answer burns nothing."""
    used = turn.state["tokens"][data["jti_hash"]]
    same = (used["device_id"], used["challenge_hash"]) == (data["device_id"], data["challenge_hash"])
    stopped = (
        turn.state["stopped"] or data["device_id"] in turn.state["stopped_devices"] or data["asset_stopped"]
    )
    if same and not stopped and turn.now_ms < used["at_ms"] + AGAIN_MS:
        turn.say("LicenceRepeated", licence_id=used["licence_id"], request_id=turn.event.id)
        return
    replays = used.get("replays", 0)
    if replays >= MOST_REPLAYS:
        raise Refuse(_TOKEN_USED.code, _TOKEN_USED.detail)
    turn.state["tokens"][data["jti_hash"]] = {**used, "replays": replays + 1}
    _deny(turn, data, _TOKEN_USED)


def _take_device(turn: Turn, data: dict[str, Any]) -> None:
    devices, device_id = turn.state["devices"], data["device_id"]
    if device_id in devices:
        return
    if len(devices) >= MOST_DEVICES:  # without a policy that counts them, the oldest is forgotten
        _forget_device(turn, devices[0], "")
    devices.append(device_id)
    turn.say("DeviceAdded", device_id=device_id, name_sealed=data["device_name_sealed"])


def _start(turn: Turn, data: dict[str, Any]) -> None:
    """The film plays on; or from now on, in the place of the same film on the same device."""
    lease_ms = data["rules"]["stream_lease_s"] * 1000
    stream_id, until_ms = data["stream_id"], turn.now_ms + lease_ms
    running = turn.state["streams"].get(stream_id)
    if running is not None:
        running["until_ms"], running["lease_ms"] = max(running["until_ms"], until_ms), lease_ms
        turn.say("StreamKept", stream_id=stream_id, until_ms=running["until_ms"])
        return
    turn.end_all("replaced", lambda stream: same_place(stream, data))
    place = {"asset_id": data["asset_id"], "device_id": data["device_id"]}
    turn.state["streams"][stream_id] = {
        "asset_id": data["asset_id"], "device_id": data["device_id"],
        "until_ms": until_ms, "lease_ms": lease_ms,
    }  # fmt: skip
    turn.say("StreamStarted", stream_id=stream_id, **place, until_ms=until_ms)


def _playback_beat(turn: Turn, data: dict[str, Any]) -> None:
    stream = turn.state["streams"].get(data["stream_id"])
    if stream is None:
        turn.refuse("stream_ended", "This stream does not count any more: ask for a licence again.")
        return
    stream["until_ms"] = max(stream["until_ms"], turn.now_ms + stream["lease_ms"])
    turn.say("StreamKept", stream_id=data["stream_id"], until_ms=stream["until_ms"])


def _playback_stopped(turn: Turn, data: dict[str, Any]) -> None:
    if data["stream_id"] in turn.state["streams"]:
        turn.end(data["stream_id"], data["reason"])
    else:
        turn.refuse("stream_ended", "This stream had ended before.")


def _right_change_requested(turn: Turn, data: dict[str, Any]) -> None:
    asset_id, kind = data["asset_id"], data["kind"]
    if kind == "none":
        if turn.state["rights"].pop(asset_id, None) is None:
            turn.refuse("no_such_right", "The account has no right to this film.")
            return
    else:
        turn.state["rights"][asset_id] = {"kind": kind, "until_ms": data["until_ms"]}
    turn.say("RightChanged", **{name: value for name, value in data.items() if name != "account_id"})


def _device_removal_requested(turn: Turn, data: dict[str, Any]) -> None:
    if data["device_id"] not in turn.state["devices"]:
        turn.refuse("no_such_device", "The account has no such device.")
        return
    _forget_device(turn, data["device_id"], data["actor"])


def _forget_device(turn: Turn, device_id: str, actor: str) -> None:
    turn.end_all("ended", lambda stream: stream["device_id"] == device_id)
    turn.state["devices"].remove(device_id)
    turn.say("DeviceRemoved", device_id=device_id, actor=actor)


def _stop_requested(turn: Turn, data: dict[str, Any]) -> None:
    """Whatever plays there ends with it."""
    device_id, stopped = data["device_id"], data["stopped"]
    if not device_id:
        turn.state["stopped"] = stopped
    else:
        others = [each for each in turn.state["stopped_devices"] if each != device_id]
        turn.state["stopped_devices"] = [*others, device_id] if stopped else others
    # First, so that whoever sees a stream gone sees why.
    turn.say("StopChanged", device_id=device_id, stopped=stopped, actor=data["actor"])
    if stopped:
        turn.end_all("killed", lambda stream: device_id in ("", stream["device_id"]))


def departed(event: Event) -> list[Out]:
    """What an event of an account means here: only that its erasure has begun."""
    if event.type != "kinolog.identity.ErasureStarted":
        return []
    return [Out(REQUESTS, event.key, "kinolog.drm.AccountLeft", {"account_id": event.key})]


def _account_left(turn: Turn, _: dict[str, Any]) -> None:
    """Whatever plays ends; of all that is known of the account no more than that it is gone is kept."""
    turn.end_all("killed", lambda _: True)
    turn.cancel_timer()
    turn.say("AccountForgotten")
    turn.state = {**nothing(), "erased": True}


def _too_late(event: Event) -> list[Out]:
    """What is asked of an account that was erased changes nothing, and leaves nothing behind."""
    if event.type in ("kinolog.engine.TimerDue", "kinolog.drm.AccountLeft"):
        return []
    raise Refuse("account_erased", "This account was erased.")


def _timer_due(turn: Turn, data: dict[str, Any]) -> None:
    """What has lapsed has ended by now; a timer that was called for leases of before only looks again."""
    if turn.state["timer_at_ms"] == data["due_at_ms"]:
        turn.state["timer_at_ms"] = None


_RULES: Final[dict[str, Callable[[Turn, dict[str, Any]], None]]] = {
    "kinolog.drm.LicenceRequested": _licence_requested,
    "kinolog.drm.PlaybackBeat": _playback_beat,
    "kinolog.drm.PlaybackStopped": _playback_stopped,
    "kinolog.drm.RightChangeRequested": _right_change_requested,
    "kinolog.drm.DeviceRemovalRequested": _device_removal_requested,
    "kinolog.drm.StopRequested": _stop_requested,
    "kinolog.drm.AccountLeft": _account_left,
    "kinolog.engine.TimerDue": _timer_due,
}
