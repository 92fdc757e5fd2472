"""A backup of the vault as one encrypted file.

    line 1   JSON: format, id, made_at_ms, how the file's key is had (by passphrase: scrypt, by kms: wrapped)
    then     frames: length of the cipher text (4 bytes, big endian), AES-256-GCM cipher text

Frame n has the nonce n (11 bytes) and a byte that is 1 in the last frame only; the hash of line 1 is
authenticated with each. So a frame changed, moved, added or cut off is found. Frame 0 says whether the key
is right, the last one how many entries there are, those between hold an entry a line.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import AsyncIterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Final, Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from streams.core.kms import Kms, KmsError
from streams.core.vault_care import Entry

FORMAT: Final = "kinolog vault backup 1"
SHORTEST_PASSPHRASE: Final = 12
# RFC 7914: 128 MiB and about half a second a guess.
_SCRYPT: Final = {"n": 2**17, "r": 8, "p": 1}
_FRAME_ENTRIES: Final = 200
_MOST_FRAME_BYTES: Final = 64 * 2**20
_MOST_HEAD_BYTES: Final = 4096
_CHECK: Final = b"the right key"
_KMS_PLACE: Final = b"vault backup"


class BackupError(Exception):
    """A backup cannot be written or read; the message is a sentence with the remedy."""


class Lock(Protocol):
    """Where a backup's key comes from."""

    kind: str

    def new_key(self) -> tuple[bytes, bytes]:
        """What the file says about its key, and the key."""
        ...

    def key(self, told: bytes) -> bytes:
        """The key of a file that says `told`. Raises BackupError."""
        ...


class Passphrase:
    """A key stretched out of a passphrase: needs nothing else of the machine that made the backup."""

    kind = "passphrase"

    def __init__(self, passphrase: str) -> None:
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise BackupError(
                f"The passphrase has {len(passphrase)} characters: {SHORTEST_PASSPHRASE} or more are needed."
            )
        self._passphrase = passphrase

    def new_key(self) -> tuple[bytes, bytes]:
        """A random salt and its key."""
        told = secrets.token_bytes(16)
        return told, self.key(told)

    def key(self, told: bytes) -> bytes:
        """Takes about half a second and 128 MiB."""
        return Scrypt(salt=told, length=32, **_SCRYPT).derive(self._passphrase.encode())


class VaultKeys:
    """A random key wrapped under the active one of the vault's own keys, which reading it needs."""

    kind = "kms"

    def __init__(self, kms: Kms) -> None:
        self._kms = kms

    def new_key(self) -> tuple[bytes, bytes]:
        """A random key."""
        key = AESGCM.generate_key(256)
        return self._kms.wrap(key, _KMS_PLACE), key

    def key(self, told: bytes) -> bytes:
        """Unwrap it."""
        try:
            return self._kms.unwrap(told, _KMS_PLACE)
        except KmsError as error:
            raise BackupError(f"The backup's key cannot be had. {error}") from error


@dataclass(frozen=True)
class Head:
    """Line 1."""

    id: str
    made_at_ms: int
    by: str
    told: bytes
    line: bytes


async def write_backup(path: Path, lock: Lock, entries: AsyncIterable[Entry], made_at_ms: int) -> int:
    """Write all entries; the file is there whole, readable by its owner only, or not at all.

    `made_at_ms` is the moment before the first entry was read. Returns how many entries. Raises BackupError.
    """
    told, key = lock.new_key()
    fields = {"format": FORMAT, "id": secrets.token_hex(8), "made_at_ms": made_at_ms}
    line = orjson.dumps({**fields, "by": lock.kind, "told": told.hex()}) + b"\n"
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            count = await _write(file, line, AESGCM(key), entries)
            file.flush()
            os.fsync(file.fileno())
        os.link(new, path)  # unlike a rename this never replaces one that came meanwhile
    except FileExistsError:
        raise BackupError(f"{path} exists: name another file, or remove it first.") from None
    except OSError as error:
        raise BackupError(f"{path} cannot be written ({error.strerror}): name another place.") from error
    finally:
        new.unlink(missing_ok=True)
    return count


async def _write(file: IO[bytes], line: bytes, cipher: AESGCM, entries: AsyncIterable[Entry]) -> int:
    head_hash, number, count = hashlib.sha256(line).digest(), 0, 0

    def frame(plain: bytes, *, last: bool = False) -> None:
        nonlocal number
        sealed = cipher.encrypt(_nonce(number, last), plain, head_hash)
        file.write(len(sealed).to_bytes(4, "big") + sealed)
        number += 1

    file.write(line)
    frame(_CHECK)
    lines: list[bytes] = []
    async for entry in entries:
        value = base64.b64encode(entry.value).decode()
        lines.append(orjson.dumps([entry.kind, entry.id, value, entry.subject, entry.expires_at_ms]))
        count += 1
        if len(lines) == _FRAME_ENTRIES:
            frame(b"\n".join(lines))
            lines.clear()
    if lines:
        frame(b"\n".join(lines))
    frame(b"%d" % count, last=True)
    return count


def read_head(path: Path) -> Head:
    """Line 1, not yet proved: any change of it shows at the first entry. Raises BackupError."""
    try:
        with path.open("rb") as file:
            return _head(path, file)
    except OSError as error:
        raise BackupError(f"{path} cannot be read ({error.strerror}).") from error


def read_entries(path: Path, lock: Lock) -> Iterator[Entry]:
    """Every entry; ends only if the file is whole. Raises BackupError at the first frame that is not.

    Read it to its end once before anything is done with it.
    """
    try:
        with path.open("rb") as file:
            head = _head(path, file)
            if head.by != lock.kind:
                how = {"passphrase": "with a passphrase", "kms": "under the vault's own keys (--kms)"}.get(
                    head.by
                )
                raise BackupError(f"{path} was encrypted {how or 'in a way that is not known here'}.")
            yield from _entries(path, file, AESGCM(lock.key(head.told)), hashlib.sha256(head.line).digest())
    except OSError as error:
        raise BackupError(f"{path} cannot be read ({error.strerror}).") from error


def _head(path: Path, file: IO[bytes]) -> Head:
    line = file.readline(_MOST_HEAD_BYTES)
    with contextlib.suppress(ValueError, KeyError, TypeError):
        found: dict[str, Any] = orjson.loads(line)
        if found["format"] == FORMAT and line.endswith(b"\n"):
            told = bytes.fromhex(found["told"])
            return Head(str(found["id"]), int(found["made_at_ms"]), str(found["by"]), told, line)
    raise BackupError(f"{path} is no backup of a vault that this version can read.")


def _entries(path: Path, file: BufferedReader, cipher: AESGCM, head_hash: bytes) -> Iterator[Entry]:
    damaged = BackupError(f"{path} is damaged or was changed: nothing of it can be trusted; take another.")
    number = count = 0
    while True:
        length = int.from_bytes(size := file.read(4), "big")
        sealed = file.read(length) if length <= _MOST_FRAME_BYTES else b""
        if len(size) < 4 or len(sealed) < length:
            raise BackupError(f"{path} is cut short: take another backup.")
        last = not file.peek(1)
        try:
            plain = cipher.decrypt(_nonce(number, last), sealed, head_hash)
        except InvalidTag:
            if number == 0:
                raise BackupError(
                    f"The passphrase or key is not that of {path}, or its beginning was changed."
                ) from None
            if last:
                raise BackupError(f"{path} is cut short, or its end was changed: take another.") from None
            raise damaged from None
        if last:
            if plain != b"%d" % count:
                raise damaged
            return
        if number > 0:
            for line in plain.split(b"\n"):
                kind, id, value, subject, expires_at_ms = orjson.loads(line)
                yield Entry(kind, id, base64.b64decode(value), subject, expires_at_ms)
                count += 1
        number += 1


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
