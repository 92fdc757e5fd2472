"""How requests between packagers, proxies and Widevine servers are signed: AES-CBC of the message's SHA-1.

Two paddings of the 20 bytes are in use, PKCS#7's and zeros; a reader takes both.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_PADDING_BYTES: Final = 12  # to two blocks of AES


def sign(message: bytes, key: bytes, iv: bytes) -> bytes:
    """The signature of a message, 32 bytes: with the padding of PKCS#7, as Shaka Packager makes it."""
    return _encrypted(message, key, iv, bytes([_PADDING_BYTES] * _PADDING_BYTES))


def signed(message: bytes, signature: bytes, key: bytes, iv: bytes) -> bool:
    """Whether it is the message's signature; takes the same time for every wrong one."""
    with_zeros = _encrypted(message, key, iv, bytes(_PADDING_BYTES))
    fits = hmac.compare_digest(signature, sign(message, key, iv))
    return hmac.compare_digest(signature, with_zeros) or fits


def _encrypted(message: bytes, key: bytes, iv: bytes, padding: bytes) -> bytes:
    # SHA-1 is what the protocol says; it is keyed by the encryption.
    digest = hashlib.sha1(message, usedforsecurity=False).digest()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(digest + padding) + encryptor.finalize()
