"""Permissions as data: every one that a route may ask for, and who holds which.

A route names exactly one of these; `PUBLIC` has to be said as well, so that an open route is a decision
that a reviewer can find with one search.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PUBLIC: Final = "public"
SESSION: Final = "session"
ASSETS_READ: Final = "assets:read"
ASSETS_WRITE: Final = "assets:write"
ASSETS_DELETE: Final = "assets:delete"
LOG_READ: Final = "log:read"

PERMISSIONS: Final[Mapping[str, str]] = {
    PUBLIC: "No credential needed.",
    SESSION: "Any valid credential.",
    ASSETS_READ: "See assets, their progress and their media.",
    ASSETS_WRITE: "Upload assets.",
    ASSETS_DELETE: "Delete assets.",
    LOG_READ: "Read the events of the log.",
}

ADMINISTRATOR: Final = frozenset(PERMISSIONS) - {PUBLIC}
"""What the administrator's API key may do: everything."""

VIEWER: Final = frozenset({SESSION, ASSETS_READ, LOG_READ})
"""What a watch code may give."""
