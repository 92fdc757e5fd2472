"""Why somebody may not watch, or not any more, as the viewer reads it and as a page can show it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from gateways.core.problem import Problem
from schemas.drm.events import Rules
from schemas.drm.views import AccountDocument, LicenceView

ENDED: Final = "stream_ended"
"""The code by which players are told that their stream does not count any more."""


def denied(
    document: AccountDocument, code: str, shown: LicenceView | None, names: Mapping[str, str], rules: Rules
) -> Problem:
    """403: a sentence for the viewer, and what is in the way for a page to show."""
    streams = [
        {
            "stream_id": each, **{name: stream[name] for name in ("asset_id", "device_id", "since_ms")},
            "device_name": names.get(stream["device_id"]),
        }
        for each in (shown["streams"] if shown else [])
        if (stream := cast("dict[str, Any] | None", document["streams"].get(each))) is not None
    ]  # fmt: skip
    devices = [
        {"device_id": each, "device_name": names.get(each), "since_ms": device["since_ms"]}
        for each in (shown["devices"] if shown else [])
        if (device := document["devices"].get(each)) is not None
    ]
    words = words_of(code)
    if code == "too_many_streams" and streams:
        words = f"Watching on {len(streams)} of {rules['max_streams']} devices: {_listed(streams)}."
    if code == "too_many_devices" and devices:
        words = f"{len(devices)} of {rules['max_devices']} devices are in use: {_listed(devices)}."
    return Problem("forbidden", words, code=code, streams=streams, devices=devices)


def _listed(places: list[dict[str, Any]]) -> str:
    """What each is called and since when, such as `living room TV since 20:14 UTC`; at most three."""
    told = [
        f"{each['device_name'] or 'a device without a name'} since "
        f"{datetime.fromtimestamp(each['since_ms'] / 1000, UTC):%H:%M} UTC"
        for each in places[:3]
    ]
    more = [f"and {len(places) - 3} more"] if len(places) > 3 else []
    return ", ".join((*told, *more))


def words_of(code: str) -> str:
    """A denial as the viewer reads it."""
    return _WORDS.get(code, "There is no licence for this film now.")


def ended_words(why: str) -> str:
    """What the viewer reads when a stream has ended. `why`: the switch that did it, or empty."""
    return words_of(why) if why else "Playing here was ended, or nothing was heard of it for too long."


_WORDS: Final = {
    "account_stopped": "Watching is switched off for this account.",
    "device_stopped": "Watching is switched off for this device.",
    "asset_stopped": "This film is switched off.",
    "no_such_key": "None of the keys that were asked for belongs to this film.",
    "no_right": "This film has to be rented or bought, or is for members.",
    "right_ended": "Your right to this film has ended.",
    "too_early": "This film cannot be watched yet.",
    "too_late": "This film cannot be watched any more.",
    "country_denied": "This film cannot be watched from where you are.",
    "country_unknown": "This film cannot be watched from a network whose country is not known.",
    "anonymiser_denied": "This film cannot be watched through a network that may hide where you are.",
    "device_denied": "This film cannot be watched on this device.",
    "system_denied": "This film cannot be watched with this player's protection system.",
    "not_configured": "There are no licences here for this player's protection system.",
    "offline_denied": "This film cannot be kept on a device.",
    "security_level": "This device is not secure enough for this film.",
    "unenforceable": "This film's policy asks for what this player's protection system cannot enforce.",
    "too_many_devices": "All devices of this account are in use: remove one first.",
    "too_many_streams": "As many films are playing as this account may watch at once: stop one first.",
    "token_used": "This playback token has been used: POST /v1/tokens gives another one.",
}
