"""Whether a licence may be given: the reasons against it in their order, the first of which counts. Pure.

Every reason is of one request, the account's state and the time. What only the player's system can enforce
is a reason against it where the system says that it cannot: a licence is never weaker than its policy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from schemas.drm.views import ALL_FILMS, ENFORCEABLE
from streams.drm.state import State

NEEDS: Final = {
    "rental": ("rented", "bought"),
    "purchase": ("bought",),
    "members": ("member", "rented", "bought"),
}
"""Access of a film -> rights that open it."""


class Denial(NamedTuple):
    """Why not: a word, a sentence for the operator, and what was in the way."""

    code: str
    detail: str
    streams: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


Reasons = Iterator[Denial]


def against(state: State, data: dict[str, Any], at_ms: int) -> Denial | None:
    """The first reason against this LicenceRequested; None: it may be given.

    `state` must hold no stream whose lease has passed.
    """
    for reasons in _REASONS:
        for denial in reasons(state, data, at_ms):
            return denial
    return None


def _stopped(state: State, data: dict[str, Any], _: int) -> Reasons:
    if state["stopped"]:
        yield Denial("account_stopped", "Licences of this account are switched off.")
    if data["device_id"] in state["stopped_devices"]:
        yield Denial(
            "device_stopped", "Licences of this device are switched off.", devices=(data["device_id"],)
        )
    if data["asset_stopped"]:
        yield Denial("asset_stopped", "Licences of this film are switched off.")


def _keys(_: State, data: dict[str, Any], __: int) -> Reasons:
    if not data["kids"]:
        yield Denial("no_such_key", "None of the keys that were asked for belongs to the film.")


def right_ends_ms(state: State, data: dict[str, Any]) -> float | None:
    """When the longest of the rights that open the film ends, infinity: never; None: there is none.

    It may have ended. Films that are free, and films of one's own, need none.
    """
    needed = NEEDS.get(data["access"], ())
    if not needed or data["privileged"]:
        return math.inf
    rights = [state["rights"].get(asset_id) for asset_id in (data["asset_id"], ALL_FILMS)]
    ends = [
        math.inf if right["until_ms"] is None else right["until_ms"]
        for right in rights
        if right is not None and right["kind"] in needed
    ]
    return max(ends, default=None)


def _right(state: State, data: dict[str, Any], at_ms: int) -> Reasons:
    ends_ms = right_ends_ms(state, data)
    if ends_ms is None:
        yield Denial("no_right", f"The film needs a right: {' or '.join(NEEDS[data['access']])}.")
    elif ends_ms <= at_ms:
        yield Denial("right_ended", f"The right to this film ({data['access']}) has ended.")


def _window(_: State, data: dict[str, Any], at_ms: int) -> Reasons:
    rules = data["rules"]
    if rules["not_before_ms"] is not None and at_ms < rules["not_before_ms"]:
        yield Denial("too_early", "The film cannot be watched yet.")
    if rules["not_after_ms"] is not None and at_ms >= rules["not_after_ms"]:
        yield Denial("too_late", "The film cannot be watched any more.")


def _place(_: State, data: dict[str, Any], __: int) -> Reasons:
    """What is not known is no permission: a rule about places needs a database that knows the place."""
    rules, country = data["rules"], data["country"]
    if (rules["countries_allowed"] or rules["countries_denied"]) and not country:
        yield Denial("country_unknown", "The policy asks for a country, and the network's is not known.")
    if country in rules["countries_denied"]:
        yield Denial("country_denied", f"Not from {country}.")
    if rules["countries_allowed"] and country not in rules["countries_allowed"]:
        yield Denial("country_denied", f"Not from {country}.")
    if rules["deny_anonymisers"] and data["anonymiser"] is not False:
        seen = "hides where it is" if data["anonymiser"] else "may hide where it is: nothing is known of it"
        yield Denial("anonymiser_denied", f"The network {seen}.")


def _device(_: State, data: dict[str, Any], __: int) -> Reasons:
    rules, device_id = data["rules"], data["device_id"]
    denied = device_id in rules["devices_denied"]
    if denied or (rules["devices_allowed"] and device_id not in rules["devices_allowed"]):
        yield Denial("device_denied", "The policy does not allow this device.", devices=(device_id,))


def _system(_: State, data: dict[str, Any], __: int) -> Reasons:
    rules, system, can = data["rules"], data["system"], data["enforces"]
    if data["systems"] and system not in data["systems"]:
        yield Denial("system_denied", f"The film is not protected for {system}.")
    if rules["systems_allowed"] and system not in rules["systems_allowed"]:
        yield Denial("system_denied", f"The policy does not allow {system}.")
    if data["offline"] and not rules["offline"]:
        yield Denial("offline_denied", "The policy does not allow keeping a licence on the device.")
    wanted = {**rules, "offline": data["offline"]}
    for name in ENFORCEABLE:
        if wanted[name] and name not in can:
            yield Denial("unenforceable", f"The policy asks for {name}, which {system} cannot enforce.")
    # Of a device whose level is not told, the licence's server finds out: it is told the least.
    least, level = rules["min_security_level"], data["security_level"]
    if least is not None and level is not None and level < least:
        yield Denial("security_level", f"The device's security level is {level}, below {least}.")


def _devices(state: State, data: dict[str, Any], _: int) -> Reasons:
    most = data["rules"]["max_devices"]
    if most is not None and data["device_id"] not in state["devices"] and len(state["devices"]) >= most:
        devices = tuple(state["devices"])
        yield Denial("too_many_devices", f"{len(devices)} of {most} devices are in use.", devices=devices)


def _streams(state: State, data: dict[str, Any], _: int) -> Reasons:
    most = data["rules"]["max_streams"]
    others = tuple(
        stream_id
        for stream_id, stream in state["streams"].items()
        if stream_id != data["stream_id"] and not same_place(stream, data)
    )
    if most is not None and len(others) >= most:
        yield Denial("too_many_streams", f"{len(others)} of {most} streams are playing.", streams=others)


def same_place(stream: Any, data: dict[str, Any]) -> bool:
    """The same film on the same device, begun anew: its stream takes the other one's place."""
    return bool(stream["asset_id"] == data["asset_id"] and stream["device_id"] == data["device_id"])


_REASONS: Final[tuple[Callable[[State, dict[str, Any], int], Reasons], ...]] = (
    _stopped, _keys, _right, _window, _place, _device, _system, _devices, _streams,
)  # fmt: skip
