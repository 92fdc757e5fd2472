"""Titles of films, which stand on the log and in the library sealed: see `schemas.media.titles`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.media.titles import TITLE, subject_of
from streams.core.sealing import Sealer
from streams.core.vault import VaultError

Said = tuple[str, Mapping[str, Any]]
"""An asset's id, and what has `title` and `title_sealed`: its document, or data of an event about it."""


async def sealed_title(sealer: Sealer, asset_id: str, title: str) -> str:
    """As events carry it: base64. Makes the asset's key if there is none. Raises VaultError."""
    raw = await sealer.seal(subject_of(asset_id), TITLE, title, create=True)
    return base64.b64encode(raw).decode()


async def titles_of(sealer: Sealer, said: Sequence[Said]) -> list[str]:
    """In the order of `said`, by one round trip; empty where there is none any more. Raises VaultError."""
    items = [
        (subject_of(asset_id), TITLE, base64.b64decode(data["title_sealed"]))
        for asset_id, data in said
        if data.get("title_sealed") is not None
    ]
    opened = iter(await sealer.open_each(items))
    return [
        (next(opened) if data.get("title_sealed") is not None else data.get("title")) or ""
        for _, data in said
    ]


async def shown_titles(sealer: Sealer, said: Sequence[Said]) -> list[str]:
    """As `titles_of`; while the vault is away sealed ones are empty: films can be watched without."""
    try:
        return await titles_of(sealer, said)
    except VaultError:
        return [data.get("title") or "" for _, data in said]
