"""Content keys of packagers outside: they choose the key ids, we make the keys and keep them in the vault."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from schemas.media.protection import Scheme
from streams.core.content_keys import KEY_BYTES, ContentKeys, entry_of
from streams.core.vault import CONTENT_KEY, CONTENT_SCHEME, Vault

_VERSION: Final = 1


class OtherScheme(ValueError):
    """A key id already has a key for the other encryption scheme; the message is a sentence."""


class PackagerKeys:
    """Every method raises the vault's VaultUnavailable and VaultUnusable."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def take(self, content: str, scheme: Scheme, kids: Sequence[str]) -> dict[str, bytes]:
        """KID -> key, for `kids` (32 hexadecimal digits each) of a content.

        A key is made at the first asking; a repeat, or another at the same moment, gets the same one. Raises
        OtherScheme, and makes none, where one of them is used with the other scheme: a KID names one key.
        """
        await self._claim(content, scheme, kids)
        ids = [entry_of(content, kid, scheme, _VERSION) for kid in kids]
        for id, found in zip(ids, await self._vault.get_many(CONTENT_KEY, ids), strict=True):
            if found is None:
                made = secrets.token_bytes(KEY_BYTES)
                await self._vault.put(CONTENT_KEY, id, made, subject=f"content:{content}", if_absent=True)
        return await ContentKeys(self._vault).get(content, scheme, _VERSION, kids)

    async def _claim(self, content: str, scheme: Scheme, kids: Sequence[str]) -> None:
        """The scheme of each key id is what was written first: of two at the same moment, one is refused."""
        ids = [f"{content}|{kid}" for kid in kids]
        for id, used in zip(ids, await self._used(ids, scheme), strict=True):
            if used is None:
                said, subject = scheme.encode(), f"content:{content}"
                await self._vault.put(CONTENT_SCHEME, id, said, subject=subject, if_absent=True)
        await self._used(ids, scheme)

    async def _used(self, ids: Sequence[str], scheme: Scheme) -> list[bytes | None]:
        found = await self._vault.get_many(CONTENT_SCHEME, ids)
        for used in found:
            if used not in (None, scheme.encode()):
                raise OtherScheme(f"A key id is in use with {used.decode()}: take new ones for {scheme}.")
        return found
