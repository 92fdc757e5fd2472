"""Keys that encrypt keys: a small interface, and its implementation over one private file.

Whatever is secret is kept wrapped (AES-256-GCM) under the active key; the wrapped bytes name their key, so
that values wrapped before a rotation stay readable.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Wrapped bytes: version (1), key id (8), nonce (12), cipher text with its tag. Version and key id are
# authenticated together with the caller's `aad`.
VERSION: Final = b"\x01"
ID_BYTES: Final = 8
NONCE_BYTES: Final = 12
HEAD_BYTES: Final = len(VERSION) + ID_BYTES
KEY_BITS: Final = 256


class KmsError(Exception):
    """The keys cannot do what was asked; the message is a sentence with the remedy."""


class KmsUnusable(KmsError):
    """The keys themselves cannot be had: a file that is missing, damaged or readable by others."""


class WrongKey(KmsError):
    """The bytes were wrapped under a key that is not here."""


class Tampered(KmsError):
    """The bytes are not what was wrapped, or stood in another place."""


class Kms(Protocol):
    """What the vault needs of a key manager. Calls must not block for long: a remote one keeps data keys.

    Every implementation passes `tests.contract.kms`.
    """

    @property
    def where(self) -> str:
        """Where the keys are, for people."""
        ...

    @property
    def active_key_id(self) -> str:
        """Id of the key that `wrap` uses now."""
        ...

    def key_id_of(self, wrapped: bytes) -> str:
        """Id of the key that `wrapped` names; whether it is here does not matter. Raises Tampered."""
        ...

    def wrap(self, plain: bytes, aad: bytes) -> bytes:
        """Encrypt under the active key. `aad` says where the value stands and must be given back."""
        ...

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """The plain bytes. Raises WrongKey or Tampered."""
        ...

    def rotate(self) -> str:
        """Make a new key and make it the active one; older ones still unwrap. Returns its id."""
        ...

    def drop_retired(self, before_ms: int) -> list[str]:
        """Remove keys that were retired before then; what only they open is lost. Returns their ids."""
        ...


def epoch_ms() -> int:
    """Now, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def id_in(wrapped: bytes) -> str:
    """Id of the key that `wrapped` names. Raises Tampered if these are no wrapped bytes."""
    if not wrapped.startswith(VERSION) or len(wrapped) < HEAD_BYTES + NONCE_BYTES + 16:
        raise Tampered("These bytes were not wrapped by this version of the wrapped bytes' format.")
    return wrapped[len(VERSION) : HEAD_BYTES].hex()


@dataclass(frozen=True)
class _Keys:
    """The file's content as it was at `stamp`; `retired_at_ms` has every key but the active one."""

    stamp: tuple[int, ...]
    active: str
    secrets: dict[str, bytes]
    retired_at_ms: dict[str, int]
    ciphers: dict[str, AESGCM]


class LocalFileKms:
    """Keys in one JSON file of mode 0600. Raises KmsUnusable where it is not fit; at construction, too.

    The first `wrap` of all makes it; a file that is missing when something is to be unwrapped is lost, and
    no new one takes its place. Processes share it: each looks at every call whether another has rotated.
    """

    def __init__(self, path: Path, *, now_ms: Callable[[], int] = epoch_ms) -> None:
        self._path, self._now_ms = path, now_ms
        self._keys: _Keys | None = self._read() if path.exists() else None

    @property
    def where(self) -> str:
        """Where the keys are, for people."""
        return str(self._path)

    @property
    def active_key_id(self) -> str:
        """Id of the key that `wrap` uses now."""
        return self._current().active

    @property
    def key_ids(self) -> list[str]:
        """All keys of the file."""
        return sorted(self._current().secrets)

    def key_id_of(self, wrapped: bytes) -> str:
        """Id of the key that `wrapped` names. Raises Tampered if these are no wrapped bytes."""
        return id_in(wrapped)

    def wrap(self, plain: bytes, aad: bytes) -> bytes:
        """Encrypt under the active key, with a random nonce."""
        if self._keys is None and not self._path.exists():
            self._create()
        keys = self._current()
        head = VERSION + bytes.fromhex(keys.active)
        nonce = os.urandom(NONCE_BYTES)
        return head + nonce + keys.ciphers[keys.active].encrypt(nonce, plain, head + aad)

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """The plain bytes. Raises WrongKey, Tampered."""
        key_id = self.key_id_of(wrapped)
        cipher = self._current().ciphers.get(key_id)
        if cipher is None:
            raise WrongKey(
                f"This was encrypted under key {key_id}, which {self._path} does not hold: put back the file "
                "that does (KMS_FILE names another one)."
            )
        head, nonce = wrapped[:HEAD_BYTES], wrapped[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, wrapped[HEAD_BYTES + NONCE_BYTES :], head + aad)
        except InvalidTag:
            raise Tampered(
                f"Something encrypted under key {key_id} was changed, or stands in another's place: restore "
                "it from a backup."
            ) from None

    def rotate(self) -> str:
        """A new active key; the old ones stay until `drop_retired`. Written and flushed before it returns."""
        with self._locked():
            keys = self._read()
            made = secrets.token_hex(ID_BYTES)
            new = AESGCM.generate_key(KEY_BITS)
            retired = keys.retired_at_ms | {keys.active: self._now_ms()}
            self._write(_json(made, keys.secrets | {made: new}, retired))
            self._keys = self._read()
        return made

    def drop_retired(self, before_ms: int) -> list[str]:
        """Remove keys that were retired before then; what only they open is lost. Returns their ids."""
        with self._locked():
            keys = self._read()
            dropped = sorted(name for name, at_ms in keys.retired_at_ms.items() if at_ms < before_ms)
            if dropped:
                left = {name: key for name, key in keys.secrets.items() if name not in dropped}
                retired = {name: at_ms for name, at_ms in keys.retired_at_ms.items() if name not in dropped}
                self._write(_json(keys.active, left, retired))
                self._keys = self._read()
        return dropped

    def _current(self) -> _Keys:
        try:
            if self._keys is None or _stamp_of(self._path.stat()) != self._keys.stamp:
                self._keys = self._read()
        except FileNotFoundError as error:
            raise self._missing() from error
        return self._keys

    def _read(self) -> _Keys:
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                if stat.S_IMODE(found.st_mode) & 0o077:
                    raise KmsUnusable(
                        f"{self._path} can be read by others (mode {stat.S_IMODE(found.st_mode):04o}): its "
                        f"keys may be known. `chmod 600 {self._path}`, then `kinolog vault rotate`."
                    )
                raw = json.loads(file.read())
            keys = {name: base64.b64decode(entry["key"]) for name, entry in raw["keys"].items()}
            retired = {
                name: int(entry["retired_at_ms"])
                for name, entry in raw["keys"].items()
                if name != raw["active"]
            }
            ciphers = {name: AESGCM(key) for name, key in keys.items()}
            if raw["active"] not in keys or any(len(key) * 8 != KEY_BITS for key in keys.values()):
                raise ValueError("a key is missing or too short")
            return _Keys(_stamp_of(found), raw["active"], keys, retired, ciphers)
        except FileNotFoundError as error:
            raise self._missing() from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise KmsUnusable(
                f"{self._path} cannot be read as a key file ({type(error).__name__}): restore it from its "
                "copy; without its keys the vault cannot be opened."
            ) from error

    def _missing(self) -> KmsUnusable:
        return KmsUnusable(
            f"{self._path} is gone: restore it from its copy; without its keys the vault cannot be opened."
        )

    def _create(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = secrets.token_hex(ID_BYTES)
        new = self._temporary(_json(made, {made: AESGCM.generate_key(KEY_BITS)}, {}))
        # Of several processes that start at once one makes the file, the others take it as it is.
        with contextlib.suppress(FileExistsError):
            os.link(new, self._path)
        new.unlink()
        self._flush_folder()

    def _write(self, text: str) -> None:
        self._temporary(text).replace(self._path)
        self._flush_folder()

    def _temporary(self, text: str) -> Path:
        path = self._path.with_name(f"{self._path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return path

    def _flush_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._path.with_name(self._path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _json(active: str, keys: dict[str, bytes], retired_at_ms: dict[str, int]) -> str:
    entries = {
        name: {"key": base64.b64encode(key).decode()}
        | ({"retired_at_ms": retired_at_ms[name]} if name in retired_at_ms else {})
        for name, key in keys.items()
    }
    return json.dumps({"version": 1, "active": active, "keys": entries}, indent=2) + "\n"


def _stamp_of(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
