"""Roles and permissions as data: every permission there is, and which role holds which.

Gateways let callers in by them, the identity domain refuses to grant a role that is not here. A permission
that ends in `:own` holds for what the caller owns: a route that asks for `assets:delete` and declares itself
`owned` also lets holders of `assets:delete:own` in, to their own assets. What an owner shows to everybody
needs no permission at all (`schemas.media.visibility`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

PUBLIC: Final = "public"
SESSION: Final = "session"
ACCOUNT_SELF: Final = "account:self"
ASSETS_READ: Final = "assets:read"
ASSETS_READ_OWN: Final = "assets:read:own"
ASSETS_WRITE: Final = "assets:write"
ASSETS_CHANGE: Final = "assets:change"
ASSETS_CHANGE_OWN: Final = "assets:change:own"
ASSETS_DELETE: Final = "assets:delete"
ASSETS_DELETE_OWN: Final = "assets:delete:own"
LOG_READ: Final = "log:read"
LOG_READ_OWN: Final = "log:read:own"
USERS_READ: Final = "users:read"
USERS_WRITE: Final = "users:write"
AUDIT_READ: Final = "audit:read"
SIGNING_ROTATE: Final = "signing:rotate"
CHAT_WRITE: Final = "chat:write"
CHAT_MODERATE: Final = "chat:moderate"
CHAT_MODERATE_OWN: Final = "chat:moderate:own"
ROOMS_WRITE: Final = "rooms:write"
ANALYTICS_READ: Final = "analytics:read"
ANALYTICS_READ_OWN: Final = "analytics:read:own"
DRM_PACKAGE: Final = "drm:package"
DRM_READ: Final = "drm:read"
DRM_READ_OWN: Final = "drm:read:own"
DRM_POLICIES: Final = "drm:policies"
DRM_POLICIES_OWN: Final = "drm:policies:own"
DRM_STOP: Final = "drm:stop"
DRM_STOP_OWN: Final = "drm:stop:own"
DRM_RIGHTS: Final = "drm:rights"
OWN: Final = ":own"

PERMISSIONS: Final[Mapping[str, str]] = {
    PUBLIC: "No credential needed.",
    SESSION: "Any valid credential.",
    ACCOUNT_SELF: "See and change one's own account, its login sessions and API keys.",
    ASSETS_READ: "See all assets, private ones included, their progress and their media.",
    ASSETS_READ_OWN: "See one's own assets, their progress and their media.",
    ASSETS_WRITE: "Upload assets.",
    ASSETS_CHANGE: "Change the title of assets and who may see them.",
    ASSETS_CHANGE_OWN: "Change the title of one's own assets and who may see them.",
    ASSETS_DELETE: "Delete assets.",
    ASSETS_DELETE_OWN: "Delete one's own assets.",
    LOG_READ: "Read the events of the log.",
    LOG_READ_OWN: "Read the events of one's own assets.",
    USERS_READ: "See accounts, their roles and their state.",
    USERS_WRITE: "Invite, disable and erase accounts, change roles, issue reset links.",
    AUDIT_READ: "Read what privileged people did.",
    SIGNING_ROTATE: "Put a new key for session tokens in place.",
    CHAT_WRITE: "Write, react and report in rooms.",
    CHAT_MODERATE: "Moderate every room.",
    CHAT_MODERATE_OWN: "Moderate one's own rooms, and those whose moderator one is.",
    ROOMS_WRITE: "Open rooms.",
    ANALYTICS_READ: "See what is watched, single playback sessions included, and the health of the system.",
    ANALYTICS_READ_OWN: "See how one's own films are watched.",
    DRM_PACKAGE: "Take content keys, as packagers of films do.",
    DRM_READ: "See licences, policies, and the rights, devices and streams of all accounts.",
    DRM_READ_OWN: "See policies, and the licences of one's own films.",
    DRM_POLICIES: "Change policies, and who may watch which film by which policy.",
    DRM_POLICIES_OWN: "Change who may watch one's own films, and by which policy.",
    DRM_STOP: "Switch licences of accounts, devices and films off and on; end streams, forget devices.",
    DRM_STOP_OWN: "Switch licences of one's own films off and on.",
    DRM_RIGHTS: "Give accounts rights to films and take them back, as shops do.",
}

GRANTABLE: Final = frozenset(PERMISSIONS) - {PUBLIC, SESSION}
"""What a role holds and an API key may be scoped to."""

_VIEWER: Final = frozenset({ACCOUNT_SELF, ASSETS_READ_OWN, CHAT_WRITE, CHAT_MODERATE_OWN})
_STAFF: Final = _VIEWER | {ASSETS_READ, LOG_READ}
ROLES: Final[Mapping[str, frozenset[str]]] = {
    "viewer": _VIEWER,
    "creator": _VIEWER
    | {ASSETS_WRITE, ASSETS_CHANGE_OWN, ASSETS_DELETE_OWN, LOG_READ_OWN, ROOMS_WRITE}
    | {ANALYTICS_READ_OWN, DRM_READ_OWN, DRM_POLICIES_OWN, DRM_STOP_OWN},
    "moderator": _STAFF | {ASSETS_CHANGE, ASSETS_DELETE, CHAT_MODERATE, ROOMS_WRITE},
    "analyst": _STAFF | {ANALYTICS_READ},
    "operator": _STAFF
    | {USERS_READ, AUDIT_READ, SIGNING_ROTATE, ANALYTICS_READ}
    | {DRM_READ, DRM_POLICIES, DRM_STOP},
    "admin": GRANTABLE,
}


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """What all of `roles` allow together; a role that does not exist (any more) allows nothing."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))
