"""Asking a gateway to protect a film, and looking at its pictures and sound in the store."""

from __future__ import annotations

import asyncio
import io
import zlib
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urljoin

import av

from schemas.media import objects as keys
from schemas.media.plan import AUDIO_RENDITION
from schemas.media.protection import Scheme, kids_in, label_in
from streams.core.content_keys import ContentKeys
from streams.core.vault import open_vault
from tests.integration.media.platform import Document, Platform
from tests.support.api import Api


async def ask(api: Api, asset_id: str, wish: Mapping[str, Any], **headers: str) -> tuple[int, Any]:
    url = urljoin(api.base, f"/v1/assets/{asset_id}/protection")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with api.session.post(url, json=dict(wish), headers=named) as answer:
        return answer.status, await answer.json()


async def content_keys(media: Platform, document: Document) -> dict[str, bytes]:
    """Of the film's plan, out of the vault; none of a film in clear."""
    protection = document["plan"]["protection"]
    if protection is None:
        return {}
    vault = open_vault(media.settings)
    try:
        kids = list(kids_in(protection).values())
        scheme, version = cast("Scheme", protection["scheme"]), protection["version"]
        return await ContentKeys(vault).get(document["id"], scheme, version, kids)
    finally:
        await vault.aclose()


async def shown(media: Platform, document: Document) -> dict[str, list[int]]:
    """A sum of each frame of each rendition, as a player sees them that has the keys."""
    plan, opened = document["plan"], await content_keys(media, document)
    found = {}
    for name in [*(r["name"] for r in plan["renditions"]), AUDIO_RENDITION]:
        prefix = keys.rendition_prefix(document["id"], plan["profile_hash"], name)
        pieces = [f"{prefix}init.mp4", *(f"{prefix}{n}.m4s" for n in range(plan["segment_count"]))]
        film = b"".join([await media.objects.get(piece) for piece in pieces])
        key = opened[kids_in(plan["protection"])[label_in(plan, name)]] if opened else None
        found[name] = await asyncio.to_thread(_sums, film, name != AUDIO_RENDITION, key)
    return found


def _sums(film: bytes, picture: bool, key: bytes | None) -> list[int]:
    options = {} if key is None else {"decryption_key": key.hex()}
    with av.open(io.BytesIO(film), options=options) as container:
        frames: Any = container.decode(**{"video" if picture else "audio": 0})
        return [zlib.crc32(b"".join(bytes(plane) for plane in frame.planes)) for frame in frames]
