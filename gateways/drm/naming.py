"""How accounts, devices and streams are named where players and operators name them."""

from __future__ import annotations

from typing import Final

from schemas.event import deterministic_id

DEVICE: Final = r"[A-Za-z0-9._-]{1,56}"
"""With `guest:` before it, it is an account of at most 64 characters."""
STREAM: Final = r"[0-9a-f]{32}"


def account_named(owner_id: str | None, device_id: str) -> str:
    """As the drm domain names accounts: who has not signed in counts by device."""
    return owner_id or f"guest:{device_id}"


def stream_named(account_id: str, device_id: str, asset_id: str) -> str:
    """Made of its place: a device cannot name another one's stream, and a film begun again goes on as one."""
    return deterministic_id("drm.stream", account_id, device_id, asset_id)
