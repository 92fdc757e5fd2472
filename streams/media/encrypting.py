"""An encoded chunk, encrypted as its plan says.

Initialisation vectors are made of key and content: the same chunk encoded again, by whichever worker, gives
the same bytes, and other content never meets the same one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final, cast

from schemas.media.plan import AUDIO_RENDITION, Plan
from schemas.media.protection import Scheme, kids_in, label_in
from streams.core.content_keys import constant_iv
from streams.media.answers import ChunkResult, EncodedRendition
from streams.media.packager import encrypt

_CENC_IV_BYTES: Final = 8


def encrypted(plan: Plan, result: ChunkResult, keys: Mapping[str, bytes]) -> ChunkResult:
    """All renditions of a chunk, encrypted with `keys` (by KID); the poster stays in clear. Blocks.

    Raises EncoderFailed, ValueError for a plan that is not protected.
    """
    protection = plan["protection"]
    if protection is None:
        raise ValueError("this plan is not protected")
    scheme, kids = cast("Scheme", protection["scheme"]), kids_in(protection)
    first = result["first_segment_number"]
    renditions = {}
    for name, rendition in result["renditions"].items():
        kid = kids[label_in(plan, name)]
        renditions[name] = _rendition(rendition, first, scheme, kid, keys[kid])
    return {**result, "renditions": renditions}


def _rendition(
    rendition: EncodedRendition, first: int, scheme: Scheme, kid: str, key: bytes
) -> EncodedRendition:
    name, init, segments = rendition["name"], rendition["init"], []
    for number, segment in enumerate(rendition["segments"], first):
        made = encrypt(
            rendition["init"],
            segment,
            picture=name != AUDIO_RENDITION,
            scheme=scheme,
            kid=kid,
            key=key,
            iv=_iv(scheme, key, name, number, segment),
        )
        init = made.init
        segments.append(made.segment)
    return {**rendition, "init": init, "segments": segments}


def _iv(scheme: Scheme, key: bytes, name: str, number: int, segment: bytes) -> bytes:
    """Of cbcs one a key: it stands in the init segment, which all chunks share."""
    if scheme == "cbcs":
        return constant_iv(key)
    place = f"{scheme}|{name}|{number}"
    return hmac.digest(key, place.encode() + b"\0" + segment, hashlib.sha256)[:_CENC_IV_BYTES]
