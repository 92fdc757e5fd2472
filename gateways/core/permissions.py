"""Permissions as gateways use them: the names that routes ask for, and who holds which without an account.

A route names exactly one; `PUBLIC` has to be said as well, so that an open route is a decision that a
reviewer can find with one search. The names and the roles are data of `schemas.identity.roles`.
"""

from __future__ import annotations

from typing import Final

from schemas.identity.roles import (
    ACCOUNT_SELF,
    ANALYTICS_READ,
    ASSETS_CHANGE,
    ASSETS_CHANGE_OWN,
    ASSETS_DELETE,
    ASSETS_DELETE_OWN,
    ASSETS_READ,
    ASSETS_READ_OWN,
    ASSETS_WRITE,
    AUDIT_READ,
    CHAT_MODERATE,
    CHAT_MODERATE_OWN,
    CHAT_WRITE,
    DRM_PACKAGE,
    DRM_POLICIES,
    DRM_READ,
    DRM_RIGHTS,
    DRM_STOP,
    LOG_READ,
    LOG_READ_OWN,
    OWN,
    PERMISSIONS,
    PUBLIC,
    ROOMS_WRITE,
    SESSION,
    SIGNING_ROTATE,
    USERS_READ,
    USERS_WRITE,
)

__all__ = [
    "ACCOUNT_SELF",
    "ADMINISTRATOR",
    "ANALYTICS_READ",
    "ASSETS_CHANGE",
    "ASSETS_CHANGE_OWN",
    "ASSETS_DELETE",
    "ASSETS_DELETE_OWN",
    "ASSETS_READ",
    "ASSETS_READ_OWN",
    "ASSETS_WRITE",
    "AUDIT_READ",
    "CHAT_MODERATE",
    "CHAT_MODERATE_OWN",
    "CHAT_WRITE",
    "DRM_PACKAGE",
    "DRM_POLICIES",
    "DRM_READ",
    "DRM_RIGHTS",
    "DRM_STOP",
    "LOG_READ",
    "LOG_READ_OWN",
    "OWN",
    "PERMISSIONS",
    "PUBLIC",
    "ROOMS_WRITE",
    "SESSION",
    "SIGNING_ROTATE",
    "USERS_READ",
    "USERS_WRITE",
    "VIEWER",
]

ADMINISTRATOR: Final = frozenset(PERMISSIONS) - {PUBLIC, ACCOUNT_SELF}
"""What the administrator's API key may do: everything that needs no account of one's own."""

VIEWER: Final = frozenset({SESSION, ASSETS_READ, LOG_READ})
"""What a watch code may give."""
