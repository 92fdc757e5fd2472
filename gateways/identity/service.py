"""The identity service: accounts, login sessions, API keys, signing keys, the audit of privileged acts."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from gateways.core.app import Service
from gateways.core.platform import Platform
from gateways.identity.attempts import Attempts
from gateways.identity.book import AddressBook
from gateways.identity.context import IDENTITY, Identity
from gateways.identity.passwords import Passwords
from gateways.identity.routes import ROUTES
from gateways.identity.signer import Signer
from gateways.identity.sweeping import keep_swept
from schemas.identity.views import ACCOUNTS, ADDRESSES, SIGNING
from schemas.media.views import LIBRARY
from streams.core.sealing import Sealer, SubjectForgotten


async def build(platform: Platform) -> Service:
    """The service with the process's clients."""
    vault, projections = platform.vault(), await platform.projections()
    producer = platform.producer("identity")
    return identity_service(
        Identity(
            producer=producer,
            projections=projections,
            history=platform.history(),
            vault=vault,
            sealer=Sealer(vault),
            accounts=platform.projection(ACCOUNTS),
            addresses=platform.projection(ADDRESSES),
            library=platform.projection(LIBRARY),
            book=AddressBook(vault),
            passwords=Passwords(),
            attempts=Attempts(platform.redis()),
            countries=platform.countries(),
            signer=Signer(
                vault, projections, platform.projection(SIGNING), producer, platform.settings.token_issuer
            ),
        )
    )


SERVICE: Final = Service(
    name="identity",
    about="It keeps accounts, login sessions and API keys, and serves their pages.",
    pages=True,
    needs=("kafka", "redis", "clickhouse", "vault"),
    routes=ROUTES,
    build=build,
    errors={
        SubjectForgotten: ("conflict", "The account is being erased."),
    },
)


def identity_service(identity: Identity) -> Service:
    """The service with everything its handlers work with."""

    def prepare(app: web.Application) -> None:
        app[IDENTITY] = identity

    async def run(_: web.Application) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(keep_swept(identity), name="sweeping")
        yield
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        identity.passwords.close()

    return dataclasses.replace(SERVICE, prepare=prepare, contexts=(run,))
