"""Widevine's common encryption key API: a packager sends a signed request and gets a key for each track.

Shaka Packager is such a client (`--enable_widevine_encryption --key_server_url`). The signature is the only
credential: nothing else of a request is looked at before it fits. It does not expire, so whoever reads a
request on its way can repeat it: to be served by https only, as everything here.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateways.core.endpoint import json_response, raw_body_of
from gateways.core.permissions import PUBLIC
from gateways.core.problem import Problem
from gateways.core.routes import Route
from gateways.drm.taking import TAKING, Taker
from schemas.drm import widevine
from schemas.drm.pssh import WIDEVINE
from schemas.drm.widevine_signature import signed
from schemas.media.protection import Scheme
from streams.core.content_keys import kid_of
from streams.core.gate_settings import WidevineSigner
from streams.core.packager_keys import OtherScheme

MOST_BYTES: Final = 16 * 1024
MOST_PERIODS: Final = 16
MOST_CONTENT_ID_BYTES: Final = 128
SIGNERS: Final = web.AppKey("widevine_signers", Mapping[str, WidevineSigner])
_SCHEMES: Final[Mapping[str, Scheme]] = {"CENC": "cenc", "CBCS": "cbcs"}
_NOBODY: Final = WidevineSigner(key="00" * 32, iv="00" * 16)  # type: ignore[arg-type]


class Signed(BaseModel):
    """What a packager sends: a request (JSON in base64), its signature in base64 and who signed."""

    request: str = Field(max_length=MOST_BYTES)
    signature: str = Field(max_length=200)
    signer: str = Field(max_length=100)


class Track(BaseModel):
    """What a key is for."""

    type: Literal["SD", "HD", "UHD1", "UHD2", "AUDIO"]


class KeysAsked(BaseModel):
    """The request that was signed. Members that are not here, such as `policy`, change no key."""

    model_config = ConfigDict(frozen=True)

    content_id: bytes = Field(min_length=1, max_length=MOST_CONTENT_ID_BYTES)
    tracks: Annotated[list[Track], Field(min_length=1, max_length=5)]
    drm_types: list[Literal["WIDEVINE"]] = Field(default=["WIDEVINE"], min_length=1, max_length=1)
    protection_scheme: Literal["CENC", "CBCS"] = "CENC"
    first_crypto_period_index: int = Field(default=0, ge=0, lt=2**31)
    crypto_period_count: int | None = Field(default=None, ge=1, le=MOST_PERIODS)

    @field_validator("content_id", mode="before")
    @classmethod
    def _decoded(cls, value: Any) -> bytes:
        if not isinstance(value, str):
            raise ValueError("it must be base64")
        return base64.b64decode(value, validate=True)


class KeysGiven(BaseModel):
    """The answer: JSON in base64, with the status and the keys."""

    response: str


async def take_keys(request: web.Request) -> web.Response:
    """Keys are made at the first asking; asking again gives the same ones."""
    signer, asked = _checked(raw_body_of(request), request.app[SIGNERS])
    content = hashlib.sha256(f"widevine|{signer}|{asked.content_id.hex()}".encode()).hexdigest()[:32]
    scheme = _SCHEMES[asked.protection_scheme]
    first, count = asked.first_crypto_period_index, asked.crypto_period_count
    periods = [None] if count is None else list(range(first, first + count))
    wanted = {
        (track.type, period): kid_of(content, f"{scheme} {track.type} {period}", 1)
        for period in periods
        for track in asked.tracks
    }
    taker = Taker(f"signer:{signer}", "widevine")
    try:
        keys = await request.app[TAKING].take(taker, content, scheme, list(wanted.values()))
    except OtherScheme as error:
        raise Problem("validation", str(error)) from None
    tracks = [
        {
            "type": kind,
            "key_id": _base64(bytes.fromhex(kid)),
            "key": _base64(keys[kid]),
            "pssh": [
                {
                    "drm_type": "WIDEVINE",
                    "data": _base64(widevine.data([kid], scheme, content_id=asked.content_id)),
                }
            ],
        }
        | ({} if period is None else {"crypto_period_index": period})
        for (kind, period), kid in wanted.items()
    ]
    said = {
        "status": "OK",
        "drm": [{"type": "WIDEVINE", "system_id": _base64(uuid.UUID(WIDEVINE).bytes)}],
        "tracks": tracks,
    }
    return json_response(KeysGiven(response=_base64(orjson.dumps(said))))


def _checked(raw: bytes, signers: Mapping[str, WidevineSigner]) -> tuple[str, KeysAsked]:
    """Who asks, and what. Raises Problem."""
    try:
        sent = Signed.model_validate_json(raw)
        message = base64.b64decode(sent.request, validate=True)
        signature = base64.b64decode(sent.signature, validate=True)
    except ValueError:
        raise Problem(
            "validation", 'Send {"request": base64, "signature": base64, "signer": a name}.'
        ) from None
    known = signers.get(sent.signer)
    key, iv = (known or _NOBODY).secrets()
    if not signed(message, signature, key, iv) or known is None:
        raise Problem(
            "bad-credential",
            "The signature does not fit: sign with the key and the vector of a signer of WIDEVINE_SIGNERS.",
        )
    try:
        return sent.signer, KeysAsked.model_validate_json(message)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, wrong["loc"])) or "request"
        raise Problem("validation", f"The signed request: {where}: {wrong['msg']}.") from None


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


WIDEVINE_KEY_ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/widevine/keys",
        handler=take_keys,
        permission=PUBLIC,
        summary="Give a packager content keys (Widevine's key API; the request is signed)",
        response=KeysGiven,
        body=Signed,
        raw=True,
        max_body_bytes=MOST_BYTES,
        problems=("validation", "bad-credential", "unavailable"),
        tag="packagers",
    ),
)
