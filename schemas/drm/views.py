"""The DRM domain's projections: what projectors write and gateways read, and the domain's ids.

In Redis, under `schemas.keys.tag(<projection>, version, partition)`; the hash `{tag}:state` maps a key to its
document as JSON: of `drm.accounts` an account id (or `guest:<device_id>`, of who has not signed in) to an
AccountDocument, of `drm.policies` a policy id to a PolicyDocument, of `drm.films` an asset id to a
FilmDocument; a film that nobody has said anything of has none, and is NOTHING_SAID.

In ClickHouse, `drm_licences` (`schemas.drm.history`) keeps one row for each licence that was granted or
denied.
"""

from __future__ import annotations

from typing import Final, Literal, NotRequired, TypedDict

from schemas.drm.events import Rules

REQUESTS: Final = "drm.account.requests"
EVENTS: Final = "drm.account.events"
ACCOUNTS: Final = "drm.accounts"  # reads EVENTS, by account id
POLICIES: Final = "drm.policies"  # reads POLICY_EVENTS, by policy id
FILMS: Final = "drm.films"  # reads FILM_EVENTS, by asset id
POLICY_REQUESTS: Final = "drm.policy.requests"
POLICY_EVENTS: Final = "drm.policy.events"
FILM_REQUESTS: Final = "drm.asset.requests"
FILM_EVENTS: Final = "drm.asset.events"
ALL_FILMS: Final = "*"
"""The asset of a member's right."""
MOST_LICENCES: Final = 20
"""Licences that a document shows, the newest that were granted, and as many that were denied."""

System = Literal["clearkey", "widevine", "playready", "fairplay"]
ENFORCEABLE: Final = ("licence_s", "playback_s", "renew_every_s", "offline", "min_security_level", "hdcp")
"""Rules that only a player's system can enforce; all others are decided with each request."""
DEFAULT_RULES: Final[Rules] = {
    "not_before_ms": None, "not_after_ms": None, "licence_s": None, "playback_s": None, "renew_every_s": None,
    "offline": False, "max_streams": None, "max_devices": None, "stream_lease_s": 60, "devices_allowed": [],
    "devices_denied": [], "min_security_level": None, "hdcp": {}, "countries_allowed": [],
    "countries_denied": [], "deny_anonymisers": False, "systems_allowed": [],
}  # fmt: skip
"""Of films without a policy of their own: it asks for nothing."""


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


class TrialView(TypedDict):
    """What would be decided on a request for a licence."""

    code: str  # why it would be denied; empty: granted
    detail: str
    streams: list[str]
    devices: list[str]


class AccountDocument(TypedDict):
    """An account's rights, devices, streams and newest licences."""

    rights: dict[str, RightView]  # by asset_id
    devices: dict[str, DeviceView]
    streams: dict[str, StreamView]
    stopped: bool
    stopped_devices: list[str]
    licences: dict[str, LicenceView]  # by licence_id, the oldest first
    repeated: dict[str, str]  # id of a request that was the same again -> licence_id
    tried: NotRequired[dict[str, TrialView]]  # by request id, the oldest first; not there before the first


class PolicyDocument(TypedDict):
    """What a policy says now. `rules` are JSON text, of the form of the record Rules."""

    version: int
    rules: str
    changed_at_ms: int


class FilmDocument(TypedDict):
    """Who may watch a film, and by which policy."""

    access: Literal["free", "members", "rental", "purchase"]
    policy_id: str
    stopped: bool


NOTHING_SAID: Final[FilmDocument] = {"access": "free", "policy_id": "", "stopped": False}
