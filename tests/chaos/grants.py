"""What the log says of licences, and whether that is what players were told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from deploy.local.launcher import Stack
from deploy.log_reader import LogReader
from schemas.drm.views import EVENTS
from schemas.wire import codec
from tests.chaos.screens import Screen

STARTED, ENDED = "kinolog.drm.StreamStarted", "kinolog.drm.StreamEnded"
GRANTED, DENIED = "kinolog.drm.LicenceGranted", "kinolog.drm.LicenceDenied"
ADDED: Final = "kinolog.drm.DeviceAdded"


class Said(NamedTuple):
    """An event of an account."""

    account_id: str
    type: str
    data: dict[str, Any]


class Limits(NamedTuple):
    """Of each account."""

    streams: int
    devices: int


def said_of(stack: Stack, asset_id: str) -> list[Said]:
    """Of the accounts that watched this film, each one's in order; a record that was sent again, once."""
    with LogReader(stack.settings) as reader:
        places = [(EVENTS, partition) for partition in range(reader.partitions(EVENTS))]
        messages = sorted(reader.messages(reader.spans(places)), key=lambda m: (m.partition(), m.offset()))
    once = {dict(message.headers())["ce_id"]: message for message in reversed(messages)}
    said = [Said(m.key().decode(), *codec().decode(m.value())) for m in reversed(once.values())]
    ours = {each.account_id for each in said if each.data.get("asset_id") == asset_id}
    return [each for each in said if each.account_id in ours]


def judged(said: list[Said], screens: Iterable[Screen], limits: Limits) -> list[str]:
    """What differs between what players were told and what the log says, and where the log is wrong."""
    grants = [each.data for each in said if each.type == GRANTED]
    granted = Counter(data["challenge_hash"] for data in grants)
    tokens = Counter(data["jti_hash"] for data in grants)
    stopped = Counter(e.data["stream_id"] for e in said if e.type == ENDED and e.data["reason"] == "stopped")
    faults = [f"a token was good for {count} licences" for count in tokens.values() if count != 1]
    for screen in screens:
        faults += [
            f"{screen.device_id} has keys of which the log holds {granted[challenge]} grants"
            for challenge in screen.licences
            if granted[challenge] != 1
        ]
        faults += [
            f"{stream} was stopped {count} times, of which the log holds {stopped[stream]}"
            for stream, count in screen.stopped.items()
            if stopped[stream] < count
        ]
    return [*faults, *miscounted(said, limits)]


def miscounted(said: list[Said], limits: Limits) -> Iterator[str]:
    """Where an account has more than it may, or is refused what it could have."""
    streams: dict[str, set[str]] = {}
    devices: dict[str, set[str]] = {}
    used: set[str] = set()
    for account_id, kind, data in said:
        playing, known = streams.setdefault(account_id, set()), devices.setdefault(account_id, set())
        if kind == STARTED:
            if data["stream_id"] in playing:
                yield f"{data['stream_id']} started twice"
            playing.add(data["stream_id"])
        elif kind == ENDED:
            if data["stream_id"] not in playing:
                yield f"{data['stream_id']} ended twice"
            playing.discard(data["stream_id"])
        elif kind == ADDED:
            known.add(data["device_id"])
        elif kind == GRANTED:
            used.add(data["jti_hash"])
        elif kind == DENIED:
            full = {
                "too_many_streams": len(playing) == limits.streams,
                "too_many_devices": len(known) == limits.devices and data["device_id"] not in known,
                "token_used": data["jti_hash"] in used,
            }
            if not full.get(data["code"]):
                yield f"denied as {data['code']} with {len(playing)} streams and {len(known)} devices"
        if len(playing) > limits.streams or len(known) > limits.devices:
            yield f"{account_id} has {len(playing)} streams and {len(known)} devices"
