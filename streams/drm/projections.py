"""What the account's document and the licence log make of its events. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.drm.views import MOST_LICENCES, AccountDocument, LicenceView
from schemas.event import Event
from streams.engine import Op

Row = dict[str, Any]


def accounts(state: AccountDocument | None, event: Event) -> tuple[AccountDocument | None, list[Op]]:
    """The account's document after one of its events; None once it was erased."""
    if event.type == "kinolog.drm.AccountForgotten":
        return None, []
    document: AccountDocument = state or {
        "rights": {}, "devices": {}, "streams": {}, "stopped": False, "stopped_devices": [], "licences": {},
        "repeated": {},
    }  # fmt: skip
    _CHANGES[event.type](document, event.data, event.at_ms)
    return document, []


def _granted(document: AccountDocument, data: dict[str, Any], at_ms: int) -> None:
    told = {name: data[name] for name in ("expires_at_ms", "playback_s", "renew_every_s", "offline", "hdcp")}
    _remember(document, data, at_ms, {"kids": data["kids"], **told})


def _denied(document: AccountDocument, data: dict[str, Any], at_ms: int) -> None:
    why = {name: data[name] for name in ("code", "streams", "devices")}
    _remember(document, data, at_ms, why)


def _remember(document: AccountDocument, data: dict[str, Any], at_ms: int, more: dict[str, Any]) -> None:
    nothing: dict[str, Any] = {
        "kids": [], "code": "", "streams": [], "devices": [], "expires_at_ms": None, "playback_s": None,
        "renew_every_s": None, "offline": False, "hdcp": {},
    }  # fmt: skip
    place = {name: data[name] for name in ("asset_id", "device_id", "stream_id", "system")}
    view: LicenceView = {**place, **nothing, **more, "at_ms": at_ms}  # type: ignore[typeddict-item]
    licences = document["licences"]
    licences[data["licence_id"]] = view
    # Apart: a player that asks again and again must not push out a grant before its keys have left.
    alike = [id for id, one in licences.items() if bool(one["code"]) == bool(view["code"])]
    for id in alike[:-MOST_LICENCES]:
        del licences[id]


def _repeated(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["repeated"][data["request_id"]] = data["licence_id"]
    _newest(document["repeated"])


def _tried(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    trial = {name: data[name] for name in ("code", "detail", "streams", "devices")}
    tried = document.setdefault("tried", {})
    tried[data["request_id"]] = trial  # type: ignore[assignment]
    _newest(tried)


def _newest(entries: dict[str, Any]) -> None:
    for _ in range(len(entries) - MOST_LICENCES):
        del entries[next(iter(entries))]


def _stream_started(document: AccountDocument, data: dict[str, Any], at_ms: int) -> None:
    document["streams"][data["stream_id"]] = {
        "asset_id": data["asset_id"], "device_id": data["device_id"], "since_ms": at_ms,
        "until_ms": data["until_ms"],
    }  # fmt: skip


def _stream_kept(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    stream = document["streams"][data["stream_id"]]
    document["streams"][data["stream_id"]] = {**stream, "until_ms": data["until_ms"]}


def _stream_ended(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    del document["streams"][data["stream_id"]]


def _device_added(document: AccountDocument, data: dict[str, Any], at_ms: int) -> None:
    document["devices"][data["device_id"]] = {"name_sealed": data["name_sealed"], "since_ms": at_ms}


def _device_removed(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    del document["devices"][data["device_id"]]


def _right_changed(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    if data["kind"] == "none":
        del document["rights"][data["asset_id"]]
    else:
        document["rights"][data["asset_id"]] = {"kind": data["kind"], "until_ms": data["until_ms"]}


def _stop_changed(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    if not data["device_id"]:
        document["stopped"] = data["stopped"]
        return
    others = [each for each in document["stopped_devices"] if each != data["device_id"]]
    document["stopped_devices"] = [*others, data["device_id"]] if data["stopped"] else others


_CHANGES: Final[dict[str, Callable[[AccountDocument, dict[str, Any], int], None]]] = {
    "kinolog.drm.LicenceGranted": _granted,
    "kinolog.drm.LicenceDenied": _denied,
    "kinolog.drm.LicenceRepeated": _repeated,
    "kinolog.drm.LicenceTried": _tried,
    "kinolog.drm.StreamStarted": _stream_started,
    "kinolog.drm.StreamKept": _stream_kept,
    "kinolog.drm.StreamEnded": _stream_ended,
    "kinolog.drm.DeviceAdded": _device_added,
    "kinolog.drm.DeviceRemoved": _device_removed,
    "kinolog.drm.RightChanged": _right_changed,
    "kinolog.drm.StopChanged": _stop_changed,
}


def licences(event: Event) -> list[Row]:
    """The row of a licence that was granted or denied."""
    outcome = _OUTCOMES.get(event.type)
    if outcome is None:
        return []
    data = event.data
    same = (
        "licence_id", "asset_id", "device_id", "stream_id", "system", "policy_id", "policy_version",
        "country", "geo_db", "asked_at_ms",
    )  # fmt: skip
    return [{
        "topic": event.topic, "partition": event.partition, "offset": event.offset, "account_id": event.key,
        "at_ms": event.at_ms, "outcome": outcome, **{name: data[name] for name in same},
        "kids": data.get("kids", []), "code": data.get("code", ""), "detail": data.get("detail", ""),
        "streams": data.get("streams", []), "devices": data.get("devices", []),
        "expires_at_ms": data.get("expires_at_ms"), "offline": data.get("offline", False),
    }]  # fmt: skip


_OUTCOMES: Final = {"kinolog.drm.LicenceGranted": "granted", "kinolog.drm.LicenceDenied": "denied"}
