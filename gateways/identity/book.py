"""E-mail addresses: written one way, and known on the log by an HMAC alone."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from typing import Final, Protocol

from gateways.core.problem import Problem
from streams.core.vault import PLATFORM_KEY

KEY_ID: Final = "address-hmac"
LONGEST: Final = 254  # RFC 5321, 4.5.3.1.3
_ADDRESS: Final = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"]{1,253}")


class KeyStore(Protocol):
    """What is needed of the vault."""

    async def get(self, kind: str, id: str) -> bytes | None: ...
    async def put(self, kind: str, id: str, value: bytes, *, if_absent: bool = False) -> bool: ...


def normal(address: str) -> str:
    """The one way to write an address; Problem 422 for what is none."""
    text = unicodedata.normalize("NFKC", address).strip().casefold()
    if len(text) > LONGEST or not _ADDRESS.fullmatch(text) or not text.isprintable():
        raise Problem("validation", "email: give one address, such as name@example.org.")
    return text


class AddressBook:
    """Computes addresses' HMACs under a key that the vault keeps, made when there is none yet."""

    def __init__(self, vault: KeyStore) -> None:
        self._vault = vault
        self._key: bytes | None = None

    async def hmac(self, address: str) -> str:
        """64 hexadecimal digits for an address in its normal form."""
        if self._key is None:
            self._key = await self._vault.get(PLATFORM_KEY, KEY_ID)
        if self._key is None:
            await self._vault.put(PLATFORM_KEY, KEY_ID, secrets.token_bytes(32), if_absent=True)
            self._key = await self._vault.get(PLATFORM_KEY, KEY_ID)
        assert self._key is not None
        return hmac.new(self._key, address.encode(), hashlib.sha256).hexdigest()
