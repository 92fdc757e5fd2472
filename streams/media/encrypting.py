"""An encoded chunk, encrypted as its plan says.

Initialisation vectors are made of key and content: the same chunk encoded again, by whichever worker, gives
the same bytes, and other content never meets the same one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Final, cast

from schemas.media.plan import AUDIO_RENDITION, Plan
from schemas.media.protection import Scheme, kids_in, label_in
from streams.core.content_keys import constant_iv
from streams.media.answers import ChunkResult, EncodedRendition
from streams.media.packager import Clear, Encrypted, encrypt

_CENC_IV_BYTES: Final = 8


def encrypted(
    plan: Plan, result: ChunkResult, keys: Mapping[str, bytes], *, allow_unconfined: bool = False
) -> ChunkResult:
    """All renditions of a chunk, encrypted with `keys` (by KID); the poster stays in clear. Blocks.

    Raises EncoderFailed, ValueError for a plan that is not protected.
    """
    protection = plan["protection"]
    if protection is None:
        raise ValueError("this plan is not protected")
    scheme, kids = cast("Scheme", protection["scheme"]), kids_in(protection)
    first, clear = result["first_segment_number"], list[Clear]()
    for name, rendition in result["renditions"].items():
        kid = kids[label_in(plan, name)]
        for number, segment in enumerate(rendition["segments"], first):
            iv = _iv(scheme, keys[kid], name, number, segment)
            picture = name != AUDIO_RENDITION
            clear.append(Clear(rendition["init"], segment, picture, scheme, kid, keys[kid], iv))
    made = iter(encrypt(clear, allow_unconfined=allow_unconfined))
    renditions = {name: _rendition(one, made) for name, one in result["renditions"].items()}
    return {**result, "renditions": renditions}


def _rendition(clear: EncodedRendition, made: Iterator[Encrypted]) -> EncodedRendition:
    """With the next of what was made; a rendition without segments stays as it is."""
    mine = [next(made) for _ in clear["segments"]]
    init = mine[-1].init if mine else clear["init"]
    return {**clear, "init": init, "segments": [one.segment for one in mine]}


def _iv(scheme: Scheme, key: bytes, name: str, number: int, segment: bytes) -> bytes:
    """Of cbcs one a key: it stands in the init segment, which all chunks share."""
    if scheme == "cbcs":
        return constant_iv(key)
    place = f"{scheme}|{name}|{number}"
    return hmac.digest(key, place.encode() + b"\0" + segment, hashlib.sha256)[:_CENC_IV_BYTES]
