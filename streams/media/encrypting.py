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
from streams.media.answers import ChunkResult, EncodedRendition
from streams.media.packager import encrypt

_IV_BYTES: Final[dict[Scheme, int]] = {"cenc": 8, "cbcs": 16}


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
    """Of cbcs one a rendition: it stands in the init segment, which all chunks share."""
    place = f"{scheme}|{name}" if scheme == "cbcs" else f"{scheme}|{name}|{number}"
    made_of = b"" if scheme == "cbcs" else segment
    return hmac.digest(key, place.encode() + b"\0" + made_of, hashlib.sha256)[: _IV_BYTES[scheme]]
