"""Identities as they are stored: accounts and signing keys in projections, API keys' hashes in the vault."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol, cast

import orjson

from gateways.core.projections import Projection, ProjectionReader
from gateways.core.standing import KeyHash
from schemas.identity.views import SIGNING_SET, AccountDocument, SigningKeyView, verifying
from streams.core.vault import API_KEY


class VaultReader(Protocol):
    """The reading half of `streams.core.vault.Vault`."""

    async def get(self, kind: str, entry_id: str, /) -> bytes | None: ...


class StoredIdentities:
    """The real ones: identity's projections, and the vault. Without a vault no API key is known."""

    def __init__(
        self, reader: ProjectionReader, accounts: Projection, signing: Projection, vault: VaultReader | None
    ) -> None:
        self._reader = reader
        self._accounts = accounts
        self._signing = signing
        self._vault = vault

    async def account(self, account_id: str) -> AccountDocument | None:
        view = await self._reader.pin(self._accounts)
        return cast("AccountDocument | None", await view.get(account_id))

    async def signing_keys(self) -> Sequence[SigningKeyView]:
        view = await self._reader.pin(self._signing)
        return verifying(await view.get(SIGNING_SET), int(time.time() * 1000))

    async def api_key(self, key_id: str) -> KeyHash | None:
        raw = await self._vault.get(API_KEY, key_id) if self._vault is not None else None
        if raw is None:
            return None
        document: dict[str, Any] = orjson.loads(raw)
        return KeyHash(document["account_id"], document["sha256"])
