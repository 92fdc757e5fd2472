"""Content keys of packagers outside: they choose the key ids, we make the keys and keep them in the vault."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from schemas.media.protection import SCHEMES, Scheme
from streams.core.content_keys import KEY_BYTES, ContentKeys, entry_of
from streams.core.vault import CONTENT_KEY, Vault

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
        for other in (each for each in SCHEMES if each != scheme):
            elsewhere = [entry_of(content, kid, other, _VERSION) for kid in kids]
            used = await self._vault.get_many(CONTENT_KEY, elsewhere)
            if any(key is not None for key in used):
                raise OtherScheme(f"A key id is in use with {other}: take new ones for {scheme}.")
        ids = [entry_of(content, kid, scheme, _VERSION) for kid in kids]
        for id, found in zip(ids, await self._vault.get_many(CONTENT_KEY, ids), strict=True):
            if found is None:
                made = secrets.token_bytes(KEY_BYTES)
                await self._vault.put(CONTENT_KEY, id, made, subject=f"content:{content}", if_absent=True)
        return await ContentKeys(self._vault).get(content, scheme, _VERSION, kids)
