"""Personal text that can be forgotten: encrypted under a key of its subject that only the vault has.

What is sealed may stand on the log for ever. Deleting the key (`Vault.forget`) makes every copy unreadable.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from streams.core.kms import Tampered
from streams.core.logging import get_logger
from streams.core.vault import SUBJECT_KEY, Vault

_log = get_logger("sealing")
KEPT_S: Final = 0.5  # a forgotten subject is unreadable everywhere after this
MOST_KEYS: Final = 10_000
MOST_ALONG: Final = 500
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12


@dataclass(slots=True)
class _Key:
    cipher: AESGCM
    until_s: float
    used: bool = False  # after the question that fetched it


class SubjectForgotten(Exception):
    """There is no key for this subject: it never had one, or it was erased."""


class Sealer:
    """Seals and opens short texts. Errors of the vault (`VaultError`) pass through."""

    def __init__(self, vault: Vault, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._vault, self._clock = vault, clock
        self._keys: dict[str, _Key] = {}  # in the order in which they were fetched: the oldest come first
        self._clearing: asyncio.TimerHandle | None = None

    async def seal(self, subject: str, field: str, text: str, *, create: bool = False) -> bytes:
        """Encrypt `text` so that only `open` with the same subject and field reads it.

        `create` makes the subject's key if there is none: for the moment an account is made, and no other.
        Raises SubjectForgotten otherwise.
        """
        cipher = (await self._ciphers([subject])).get(subject)
        if cipher is None and create:
            fresh = AESGCM.generate_key(256)
            await self._vault.put(SUBJECT_KEY, subject, fresh, subject=subject, if_absent=True)
            cipher = (await self._ciphers([subject])).get(subject)
        if cipher is None:
            raise SubjectForgotten(f"{subject} has no key: the account is erased, nothing is kept of it.")
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + cipher.encrypt(nonce, text.encode(), _place(subject, field))

    async def open(self, subject: str, field: str, sealed: bytes) -> str | None:
        """The text; None when the subject was forgotten. Tampered if these bytes are not of this field."""
        [text] = await self.open_many([(subject, field, sealed)])
        return text

    async def open_many(self, items: Sequence[tuple[str, str, bytes]]) -> list[str | None]:
        """Texts in the order of the items (subject, field, sealed); at most one round trip to the vault."""
        ciphers = await self._ciphers(list({subject for subject, _, _ in items}))
        return [
            _opened(ciphers[subject], subject, field, sealed) if subject in ciphers else None
            for subject, field, sealed in items
        ]

    async def open_each(self, items: Sequence[tuple[str, str, bytes]]) -> list[str | None]:
        """As `open_many`, and None also where bytes are not of this field: one must not hide the others."""
        ciphers = await self._ciphers(list({subject for subject, _, _ in items}))
        return [
            _opened_or_none(ciphers[subject], subject, field, sealed) if subject in ciphers else None
            for subject, field, sealed in items
        ]

    async def _ciphers(self, subjects: list[str]) -> dict[str, AESGCM]:
        now = self._clock()
        found: dict[str, AESGCM] = {}
        for subject in subjects:
            if (held := self._keys.get(subject)) is not None and held.until_s > now:
                held.used = True
                found[subject] = held.cipher
        missing = [subject for subject in subjects if subject not in found]
        if missing:
            self._drop_old()
            # As of now, not of the answer: a key may be gone from the vault right after it was read.
            wanted = [*missing, *self._soon_missing(now)]
            keys = await self._vault.get_many(SUBJECT_KEY, wanted)
            for subject, key in zip(wanted, keys, strict=True):
                self._keys.pop(subject, None)
                if key is not None:
                    self._keys[subject] = _Key(AESGCM(key), now + KEPT_S)
            found |= {subject: self._keys[subject].cipher for subject in missing if subject in self._keys}
            while len(self._keys) > MOST_KEYS:
                del self._keys[next(iter(self._keys))]
            if self._keys and self._clearing is None:
                self._clearing = asyncio.get_running_loop().call_later(KEPT_S, self._clear)
        return found

    def _soon_missing(self, now_s: float) -> list[str]:
        """Who writes or is read all the time, and would be asked for next: one question does for them all."""
        old = takewhile(lambda each: each[1].until_s <= now_s + KEPT_S / 2, self._keys.items())
        return [subject for subject, key in islice(old, MOST_ALONG) if key.used]

    def _drop_old(self) -> None:
        now = self._clock()
        while self._keys and self._keys[oldest := next(iter(self._keys))].until_s <= now:
            del self._keys[oldest]

    def _clear(self) -> None:
        # Nobody may ask again: keys must not stay in memory for that.
        self._clearing = None
        self._drop_old()
        if self._keys:
            self._clearing = asyncio.get_running_loop().call_later(KEPT_S, self._clear)


def _opened(cipher: AESGCM, subject: str, field: str, sealed: bytes) -> str:
    nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        if not sealed.startswith(_VERSION) or len(nonce) < _NONCE_BYTES:
            raise InvalidTag
        return cipher.decrypt(nonce, rest, _place(subject, field)).decode()
    except InvalidTag:
        raise Tampered(f"The sealed {field} of {subject} was changed, or belongs elsewhere.") from None


def _opened_or_none(cipher: AESGCM, subject: str, field: str, sealed: bytes) -> str | None:
    try:
        return _opened(cipher, subject, field, sealed)
    except Tampered as error:
        _log.warning("a sealed text cannot be opened", error=str(error))
        return None


def _place(subject: str, field: str) -> bytes:
    return f"{subject}\0{field}".encode()
