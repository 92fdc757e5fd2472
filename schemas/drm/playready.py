"""PlayReady's signalling: the header WRMHEADER (4.0 to 4.3), the object (PRO) around it, the box around that.

PlayReady writes a KID as a GUID whose first three groups are little-endian. Attributes of a WRMHEADER stand
in alphabetical order and every element has a closing tag, as clients compare the text.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import uuid
from collections.abc import Mapping
from typing import Final, Literal
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from schemas.drm.pssh import PLAYREADY, Pssh, build

KEY_FORMAT: Final = "com.microsoft.playready"
Version = Literal["4.0.0.0", "4.1.0.0", "4.2.0.0", "4.3.0.0"]

_NAMESPACE: Final = "http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader"
_ALGORITHMS: Final = {"cenc": "AESCTR", "cbcs": "AESCBC"}
_SEED_BYTES: Final = 30
_CHECKSUM_BYTES: Final = 8
_HEADER_RECORD: Final = 1


def version_for(scheme: str, keys: int) -> Version:
    """The oldest version of the header that can say it, which the most clients read."""
    if scheme == "cbcs":
        return "4.3.0.0"
    return "4.0.0.0" if keys == 1 else "4.2.0.0"


def header(
    keys: Mapping[str, bytes | None], scheme: str, *, version: Version | None = None, licence_url: str = ""
) -> str:
    """The WRMHEADER of some keys (KID -> key of 16 bytes), in the order given.

    Keys are needed for the checksums only, which may be left out (None) and which AESCBC does not have.
    Raises ValueError for what a version cannot say: 4.0 and 4.1 take one key, only 4.3 takes `cbcs`.
    """
    version = version or version_for(scheme, len(keys))
    if scheme == "cbcs" and version != "4.3.0.0":
        raise ValueError(f"A WRMHEADER {version} cannot say cbcs: take 4.3.0.0.")
    if not keys or (len(keys) > 1 and version in ("4.0.0.0", "4.1.0.0")):
        raise ValueError(f"A WRMHEADER {version} cannot say {len(keys)} keys: take 4.2.0.0 or newer.")
    if version == "4.0.0.0":
        [(kid, key)] = keys.items()
        said = f"<PROTECTINFO><KEYLEN>16</KEYLEN><ALGID>AESCTR</ALGID></PROTECTINFO><KID>{guid(kid)}</KID>"
        if key is not None:
            said += f"<CHECKSUM>{checksum(kid, key)}</CHECKSUM>"
    else:
        listed = "".join(_kid_element(kid, key, scheme) for kid, key in keys.items())
        said = f"<PROTECTINFO>{listed if version == '4.1.0.0' else f'<KIDS>{listed}</KIDS>'}</PROTECTINFO>"
    url = f"<LA_URL>{escape(licence_url)}</LA_URL>" if licence_url else ""
    return f'<WRMHEADER xmlns="{_NAMESPACE}" version="{version}"><DATA>{said}{url}</DATA></WRMHEADER>'


def object_of(wrm_header: str) -> bytes:
    """The PlayReady object (PRO): its length, one record, the header in UTF-16."""
    text = wrm_header.encode("utf-16-le")
    record = struct.pack("<HH", _HEADER_RECORD, len(text)) + text
    return struct.pack("<IH", len(record) + 6, 1) + record


def pssh(pro: bytes) -> bytes:
    """The box around an object."""
    return build(Pssh(PLAYREADY, pro))


def hls_uri(pro: bytes) -> str:
    """URI of an EXT-X-KEY: the object itself."""
    return f"data:text/plain;charset=UTF-16;base64,{base64.b64encode(pro).decode()}"


def guid(kid: str) -> str:
    """A KID as PlayReady writes it: a little-endian GUID in base64."""
    return base64.b64encode(uuid.UUID(kid).bytes_le).decode()


def checksum(kid: str, key: bytes) -> str:
    """Lets a client tell a wrong key: the first 8 bytes of the GUID encrypted under the key, in base64."""
    # One block and no message: this is how the format defines its checksum.
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    return base64.b64encode(encryptor.update(uuid.UUID(kid).bytes_le)[:_CHECKSUM_BYTES]).decode()


def key_of_seed(seed: bytes, kid: str) -> bytes:
    """The key of a KID for servers that derive keys of one seed, of which the first 30 bytes count.

    Raises ValueError for a seed that is shorter.
    """
    if len(seed) < _SEED_BYTES:
        raise ValueError(f"A key seed has {_SEED_BYTES} bytes or more; this one has {len(seed)}.")
    seed, identity = seed[:_SEED_BYTES], uuid.UUID(kid).bytes_le
    folded = bytes(16)
    for material in (seed + identity, seed + identity + seed, seed + identity + seed + identity):
        digest = hashlib.sha256(material).digest()
        folded = bytes(a ^ b ^ c for a, b, c in zip(folded, digest[:16], digest[16:], strict=True))
    return folded


def _kid_element(kid: str, key: bytes | None, scheme: str) -> str:
    proof = f' CHECKSUM="{checksum(kid, key)}"' if scheme == "cenc" and key is not None else ""
    return f'<KID ALGID="{_ALGORITHMS[scheme]}"{proof} VALUE="{guid(kid)}"></KID>'
