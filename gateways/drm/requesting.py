"""One place where a player's request for keys, of whatever system, becomes LicenceRequested.

A system's adapter says what was asked for and which rules of a policy it can enforce (`Asked`); what follows
is the same for all: the token, the film, the log, the grant, the keys.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateways.core.app import CORE
from gateways.core.jwts import TokenRefused
from gateways.core.problem import Problem
from gateways.drm.licensing import LICENSING, Film, Licensing
from gateways.drm.playback_tokens import Playback
from schemas.drm.events import LicenceRequested
from schemas.drm.views import LicenceView, System

HEADER: Final = "Playback-Token"
HEADERS: Final = ((HEADER, "the playback token"),)
PROBLEMS: Final = ("bad-credential", "forbidden", "validation", "conflict", "unavailable")
NO_STORE: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as its system's adapter reads it.

    `kids` None: it does not say which, so it is for all of the film. `enforces`: rules of
    `schemas.drm.views.ENFORCEABLE` that the system holds its players to, once they are in the licence.
    `security_level` None: not told; where the system enforces levels, its server finds out.
    """

    system: System
    challenge: bytes
    kids: Sequence[str] | None = None
    enforces: Collection[str] = ()
    security_level: int | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """Where it is asked from: the country, empty: unknown; whether the network hides it, None: unknown."""

    country: str
    hides: bool | None


@dataclass(frozen=True, slots=True)
class Given:
    """A grant that the log holds, with the keys of it by KID."""

    film: Film
    playback: Playback
    licence: LicenceView
    keys: dict[str, bytes]


async def playback_of(request: web.Request) -> tuple[Playback, str]:
    """What the playback token says, and the hash of its id. Problem 401."""
    try:
        return await request.app[LICENSING].tokens.read(request.headers.get(HEADER, ""))
    except TokenRefused as error:
        raise Problem("bad-credential", f"{HEADER}: {error}; POST /v1/tokens gives one.") from None


async def give(request: web.Request, playback: Playback, jti_hash: str, asked: Asked) -> Given:
    """The keys that were asked for and belong to the film, once the log holds the grant. Raises Problem."""
    licensing = request.app[LICENSING]
    film = await licensing.film(playback.asset_id)
    address = request.app[CORE].config.proxies.client(request)
    network = Network(licensing.countries.of(address), licensing.anonymisers.hides(address))
    said = requested(licensing, film, playback, jti_hash, network, asked)
    licence = await licensing.licence(said, uuid.uuid4().hex)
    return Given(film, playback, licence, await licensing.unwrap(film, licence))


def requested(
    licensing: Licensing, film: Film, playback: Playback, jti_hash: str, network: Network, asked: Asked
) -> LicenceRequested:
    """All that the account's decider goes by, but for what the account has."""
    owned = film.protection["keys"].values()
    kids = list(owned) if asked.kids is None else [kid for kid in asked.kids if kid in owned]
    return {
        "account_id": playback.account_id, "jti_hash": jti_hash, "asset_id": playback.asset_id,
        "device_id": playback.device_id, "stream_id": playback.stream_id, "system": asked.system,
        "policy_id": film.policy_id, "policy_version": film.version,
        "country": network.country, "geo_db": licensing.countries.database,
        "challenge_hash": hashlib.sha256(asked.challenge).hexdigest(),
        "device_name_sealed": playback.device_name_sealed,
        "kids": kids, "access": film.access["access"], "privileged": playback.privileged,
        "asset_stopped": film.access["stopped"], "anonymiser": network.hides,
        "security_level": asked.security_level, "offline": asked.offline,
        "enforces": list(asked.enforces), "systems": film.protection["systems"], "rules": film.rules,
        "trial": False,
    }  # fmt: skip
