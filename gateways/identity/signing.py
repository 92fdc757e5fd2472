"""The public keys of session tokens, and their rotation."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateways.core.endpoint import body_of, json_response
from gateways.core.idempotency import scoped_id
from gateways.core.principal import principal_of
from gateways.core.reasons import PLATFORM_SUBJECT, REASON
from gateways.identity.asking import sealed
from gateways.identity.context import identity_of
from gateways.identity.models import Jwks, SigningKeyMade, SigningRotation
from schemas.identity.views import verifying

CACHED_S: Final = 30


async def jwks(request: web.Request) -> web.Response:
    """Keys whose tokens are accepted now, and the one that signs soon."""
    identity = identity_of(request)
    keys = verifying(await identity.signer.document(), identity.now_ms())
    return json_response(Jwks(keys=[k["jwk"] for k in keys]), Cache_Control=f"public, max-age={CACHED_S}")


async def rotate(request: web.Request) -> web.Response:
    identity, body = identity_of(request), body_of(request, SigningRotation)
    kid, signs_from_ms = await identity.signer.rotate(
        principal_of(request).actor,
        scoped_id(request, "signing"),
        await sealed(identity, PLATFORM_SUBJECT, REASON, body.reason, create=True),
        at_once=body.at_once,
    )
    return json_response(SigningKeyMade(kid=kid, signs_from_ms=signs_from_ms), 201)
