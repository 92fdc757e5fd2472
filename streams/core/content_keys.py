"""The keys that protected films are encrypted with: made, kept in the vault, forgotten with the film.

What a key is for is told by its label: the sound, or pictures up to a height. A KID names it everywhere; it
is no secret, and tells nothing of the key, which is random.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from typing import Final

from schemas.media.protection import Scheme
from schemas.media.titles import subject_of
from streams.core.vault import CONTENT_KEY, Vault

KEY_BYTES: Final = 16


class KeyUnknown(Exception):
    """There is no such key: it was never made, or it was forgotten with its film."""


def kid_of(asset_id: str, label: str, version: int) -> str:
    """The KID, 32 hexadecimal digits; the same for the same arguments, in every process."""
    parts = ("kid", asset_id, label, str(version))
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()[:32]


class ContentKeys:
    """Content keys in a vault. Every method raises the vault's VaultUnavailable and VaultUnusable."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def ensure(
        self, asset_id: str, scheme: Scheme, version: int, labels: Iterable[str], *, film_known: bool = False
    ) -> dict[str, str]:
        """See to it that each label has a key, and name the KIDs by label. A repeat finds what is there.

        With `film_known` none is made for a film whose title's key is not in the vault: KeyUnknown. So a
        film that was forgotten gets no new keys from work that comes late.
        """
        kids = {label: kid_of(asset_id, label, version) for label in labels}
        for kid in kids.values():
            await self._vault.put(
                CONTENT_KEY,
                entry_of(asset_id, kid, scheme, version),
                secrets.token_bytes(KEY_BYTES),
                subject=subject_of(asset_id),
                if_absent=True,
                if_subject_known=film_known,
            )
        await self.get(asset_id, scheme, version, list(kids.values()))
        return kids

    async def get(self, asset_id: str, scheme: Scheme, version: int, kids: Sequence[str]) -> dict[str, bytes]:
        """The keys by KID. Raises KeyUnknown if one is not there: all or none."""
        entries = [entry_of(asset_id, kid, scheme, version) for kid in kids]
        keys = await self._vault.get_many(CONTENT_KEY, entries)
        found = {kid: key for kid, key in zip(kids, keys, strict=True) if key is not None}
        if missing := [kid for kid in kids if kid not in found]:
            raise KeyUnknown(
                f"Asset {asset_id} has no {scheme} key {missing[0]} of version {version}: its film was "
                "deleted, or was never protected so."
            )
        return found


def constant_iv(key: bytes) -> bytes:
    """The vector of a `cbcs` key, 16 bytes; no secret. FairPlay's licences name it beside the key, so that
    all that is encrypted under one key has the same."""
    return hmac.digest(key, b"cbcs iv", hashlib.sha256)[:16]


def entry_of(asset_id: str, kid: str, scheme: Scheme, version: int) -> str:
    """Id of a key in the vault."""
    # The vault binds a value to kind and id: a key moved to another film, KID or scheme does not open.
    return f"{asset_id}|{kid}|{scheme}|{version}"
