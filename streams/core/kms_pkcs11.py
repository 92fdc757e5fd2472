"""Keys that encrypt keys, in a token: a hardware security module, or software that acts as one (PKCS#11).

The keys are made in the token and never leave it (sensitive, not extractable); it encrypts and decrypts by
itself. Nothing of a key ever changes: the active one is the youngest, and a key was retired when the next one
was made. Needs a token with CKM_AES_KEY_GEN and CKM_AES_GCM that takes the nonce from us.
"""

from __future__ import annotations

import math
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11 import exceptions as refused

from streams.core.kms import (
    HEAD_BYTES,
    ID_BYTES,
    KEY_BITS,
    NONCE_BYTES,
    VERSION,
    KmsUnusable,
    Tampered,
    WrongKey,
    epoch_ms,
    id_in,
)

_LABEL: Final = "kinolog-kms-"  # then when it was made, milliseconds since 1970
_TAG_BITS: Final = 128
_LOOK_AGAIN_S: Final = 0.5
# What tokens say of bytes whose tag is wrong; SoftHSM says "general error".
_NOT_OURS: Final = (refused.EncryptedDataInvalid, refused.EncryptedDataLenRange, refused.GeneralError)
_UNKNOWN: Final = (refused.ObjectHandleInvalid, refused.KeyHandleInvalid)
# A module is loaded once in a process and initialised for one thread at a time.
_ONE_AT_A_TIME: Final = threading.RLock()


@dataclass(frozen=True, order=True)
class _Made:
    """A key of the token; in order of age."""

    at_ms: int
    id: str


class Pkcs11Kms:
    """Keys in the token of that label. Raises KmsUnusable where it cannot be had; at construction, too.

    The first `wrap` of all makes a key. Processes share the token; each sees within half a second
    (`look_again_s`) that another has rotated. A call takes what the token takes: about 20 microseconds with
    SoftHSM, milliseconds with a device.
    """

    def __init__(
        self,
        module: Path,
        token: str,
        pin: str,
        *,
        now_ms: Callable[[], int] = epoch_ms,
        look_again_s: float = _LOOK_AGAIN_S,
    ) -> None:
        self._module, self._token, self._pin = module, token, pin
        self._now_ms, self._look_again_s = now_ms, look_again_s
        self._session: pkcs11.Session | None = None
        self._keys: dict[_Made, Any] = {}  # the library types keys without what they can do
        self._seen, self._looked_at = False, -math.inf
        with self._at_work() as session:
            self._look(session)

    @property
    def where(self) -> str:
        """Where the keys are, for people."""
        return f"token {self._token!r} of {self._module}"

    @property
    def active_key_id(self) -> str:
        """Id of the key that `wrap` uses now."""
        with self._at_work() as session:
            return self._active(session).id

    @property
    def key_ids(self) -> list[str]:
        """All keys of the token that are ours."""
        with self._at_work() as session:
            self._look(session)
            return sorted(made.id for made in self._keys)

    def key_id_of(self, wrapped: bytes) -> str:
        """Id of the key that `wrapped` names. Raises Tampered if these are no wrapped bytes."""
        return id_in(wrapped)

    def wrap(self, plain: bytes, aad: bytes) -> bytes:
        """Encrypt under the active key, with a random nonce."""
        with self._at_work() as session:
            if not self._keys:
                self._look(session)
            if not self._keys:
                self._make(session)
            made = self._active(session)
            head, nonce = VERSION + bytes.fromhex(made.id), os.urandom(NONCE_BYTES)
            cipher = self._keys[made].encrypt(
                plain, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, head + aad, _TAG_BITS)
            )
            return head + nonce + bytes(cipher)

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """The plain bytes. Raises WrongKey, Tampered."""
        key_id = id_in(wrapped)
        head, nonce = wrapped[:HEAD_BYTES], wrapped[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES]
        with self._at_work() as session:
            key = self._key(key_id, session)
            try:
                plain = key.decrypt(
                    wrapped[HEAD_BYTES + NONCE_BYTES :],
                    mechanism=Mechanism.AES_GCM,
                    mechanism_param=GCMParams(nonce, head + aad, _TAG_BITS),
                )
            except _UNKNOWN:
                raise self._wrong_key(key_id) from None
            except _NOT_OURS:
                raise Tampered(
                    f"Something encrypted under key {key_id} was changed, or stands in another's place: "
                    "restore it from a backup."
                ) from None
            return bytes(plain)

    def rotate(self) -> str:
        """A new active key; the old ones stay until `drop_retired`."""
        with self._at_work() as session:
            self._look(session)
            return self._make(session).id

    def drop_retired(self, before_ms: int) -> list[str]:
        """Remove keys that were retired before then; what only they open is lost. Returns their ids."""
        with self._at_work() as session:
            self._look(session)
            made = sorted(self._keys)
            dropped = [old for old, successor in pairwise(made) if successor.at_ms < before_ms]
            for old in dropped:
                self._keys.pop(old).destroy()
            return sorted(old.id for old in dropped)

    def _active(self, session: pkcs11.Session) -> _Made:
        if time.monotonic() - self._looked_at >= self._look_again_s:
            self._look(session)
        if not self._keys:
            raise self._gone()
        return max(self._keys)

    def _key(self, key_id: str, session: pkcs11.Session) -> Any:
        for again in (False, True):
            if again:
                self._look(session)
            for made, key in self._keys.items():
                if made.id == key_id:
                    return key
        raise self._wrong_key(key_id)

    def _make(self, session: pkcs11.Session) -> _Made:
        # Younger than all others, whatever this machine's clock says.
        at_ms = max([self._now_ms(), *(made.at_ms + 1 for made in self._keys)])
        id = secrets.token_bytes(ID_BYTES)
        key = session.generate_key(
            KeyType.AES,
            KEY_BITS,
            id=id,
            label=f"{_LABEL}{at_ms}",
            store=True,
            capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
            template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True},
        )
        made = _Made(at_ms, id.hex())
        self._keys[made], self._seen = key, True
        return made

    def _look(self, session: pkcs11.Session) -> None:
        found: dict[_Made, Any] = {}
        for key in session.get_objects(
            {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES}
        ):
            assert isinstance(key, pkcs11.SecretKey)
            at_ms = (key.label or "").removeprefix(_LABEL)
            if at_ms.isdecimal() and key.label != at_ms:
                found[_Made(int(at_ms), key.id.hex())] = key
        if self._seen and not found:
            raise self._gone()
        self._keys, self._seen, self._looked_at = found, bool(found), time.monotonic()

    @contextmanager
    def _at_work(self) -> Iterator[pkcs11.Session]:
        with _ONE_AT_A_TIME:
            try:
                if self._session is None:
                    self._session = self._open()
                    # Keys belong to the session that found them.
                    self._keys, self._looked_at = {}, -math.inf
                yield self._session
            except refused.PKCS11Error as error:
                self._session = None
                why = str(error) or type(error).__name__
                raise KmsUnusable(
                    f"The {self.where} does not do what is asked ({why}): see that it is there, and that "
                    "KMS_PKCS11_MODULE, KMS_PKCS11_TOKEN and KMS_PKCS11_PIN are right."
                ) from error

    def _open(self) -> pkcs11.Session:
        token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
        try:
            return token.open(rw=True, user_pin=self._pin)
        except refused.UserAlreadyLoggedIn:  # this process is, by another of us
            return token.open(rw=True)

    def _wrong_key(self, key_id: str) -> WrongKey:
        return WrongKey(
            f"This was encrypted under key {key_id}, which the {self.where} does not hold: use the token "
            "that does (KMS_PKCS11_TOKEN names another one)."
        )

    def _gone(self) -> KmsUnusable:
        return KmsUnusable(
            f"The {self.where} has lost its keys: restore it by its own means; without its keys the vault "
            "cannot be opened."
        )
