"""Content keys of packagers outside: they choose the key ids, we make the keys and keep them in the vault."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from streams.core.vault import CONTENT_KEY, Vault

KEY_BYTES: Final = 16
_SCHEMES: Final = ("cenc", "cbcs")
_VERSION: Final = 1


class OtherScheme(ValueError):
    """A key id already has a key for the other encryption scheme; the message is a sentence."""


class PackagerKeys:
    """Raises the vault's errors."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def take(self, content: str, scheme: str, kids: Sequence[str]) -> dict[str, bytes]:
        """KID -> key, for `kids` (32 hexadecimal digits each) of a content.

        A key is made at the first asking; a repeat, or another at the same moment, gets the same one. Raises
        OtherScheme, and makes none, where one of them is used with the other scheme: a KID names one key.
        """
        for other in _SCHEMES:
            if other == scheme:
                continue
            used = await self._vault.get_many(CONTENT_KEY, [_id(content, kid, other) for kid in kids])
            if any(key is not None for key in used):
                raise OtherScheme(f"A key id is in use with {other}: take new ones for {scheme}.")
        ids = [_id(content, kid, scheme) for kid in kids]
        for id, found in zip(ids, await self._vault.get_many(CONTENT_KEY, ids), strict=True):
            if found is None:
                made = secrets.token_bytes(KEY_BYTES)
                await self._vault.put(CONTENT_KEY, id, made, subject=f"content:{content}", if_absent=True)
        keys = await self._vault.get_many(CONTENT_KEY, ids)
        return {kid: key for kid, key in zip(kids, keys, strict=True) if key is not None}


def _id(content: str, kid: str, scheme: str) -> str:
    return f"{content}|{kid}|{scheme}|{_VERSION}"
