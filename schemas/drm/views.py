"""The DRM domain's projections: what projectors write and gateways read, and the domain's ids.

In Redis, under `schemas.keys.tag(<projection>, version, partition)`; the hash `{tag}:state` maps an account
id (or `guest:<device_id>`, of who has not signed in) to its AccountDocument as JSON.

In ClickHouse, `drm_licences` (`schemas.drm.history`) keeps one row for each licence that was granted or
denied.

Texts in fields named `*_sealed` are base64 of what `streams.core.sealing` made of them under the account's
key as DEVICE_FIELD.
"""

from __future__ import annotations

from typing import Final, Literal, TypedDict

REQUESTS: Final = "drm.account.requests"
EVENTS: Final = "drm.account.events"
ACCOUNTS: Final = "drm.accounts"  # reads EVENTS, by account id
LICENCES: Final = "drm_licences"  # the table
DEVICE_FIELD: Final = "drm.device"
ALL_FILMS: Final = "*"
"""The asset of a member's right."""
MOST_LICENCES: Final = 20
"""Licences that a document shows, the newest."""

System = Literal["clearkey", "widevine", "playready", "fairplay"]
SYSTEMS: Final = ("clearkey", "widevine", "playready", "fairplay")
ACCESSES: Final = ("free", "members", "rental", "purchase")
ENFORCEABLE: Final = ("licence_s", "playback_s", "renew_every_s", "offline", "min_security_level", "hdcp")
"""Rules that only a player's system can enforce; all others are decided with each request."""


class RightView(TypedDict):
    """What an account may watch."""

    kind: Literal["bought", "rented", "member"]
    until_ms: int | None


class DeviceView(TypedDict):
    """A device that an account watched on."""

    name_sealed: str | None
    since_ms: int


class StreamView(TypedDict):
    """A film that plays."""

    asset_id: str
    device_id: str
    since_ms: int
    until_ms: int  # without another beat


class LicenceView(TypedDict):
    """A licence that was granted or denied."""

    asset_id: str
    device_id: str
    stream_id: str
    system: System
    kids: list[str]  # empty: denied
    code: str  # why it was denied; empty: granted
    streams: list[str]  # in the way of a denied one
    devices: list[str]
    at_ms: int
    expires_at_ms: int | None
    playback_s: int | None
    renew_every_s: int | None
    offline: bool
    hdcp: dict[str, str]


class AccountDocument(TypedDict):
    """An account's rights, devices, streams and newest licences."""

    rights: dict[str, RightView]  # by asset_id
    devices: dict[str, DeviceView]
    streams: dict[str, StreamView]
    stopped: bool
    stopped_devices: list[str]
    licences: dict[str, LicenceView]  # by licence_id, the oldest first
    repeated: dict[str, str]  # id of a request that was the same again -> licence_id
