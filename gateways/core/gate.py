"""The gate of a process, from its settings: one guard, one limiter, one idea of who the client is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gateways.core.accounts import AccountCredentials
from gateways.core.auth import Guard, TokenReader
from gateways.core.deps import EdgeConfig, Watch
from gateways.core.forwarded import Proxies, networks
from gateways.core.identities import StoredIdentities
from gateways.core.limits import Limiter
from gateways.core.names import AccountNames
from gateways.core.oidc import ForeignTokens, PublishedKeys
from gateways.core.platform import Platform
from gateways.core.push import Listener
from gateways.core.rates import RatesWrong, rates
from gateways.core.sessions import Tokens
from gateways.core.shared_secret import SharedSecretTokens
from gateways.core.standing import Standing
from gateways.core.usage import KeyUsage
from schemas.identity.views import ACCOUNTS, SIGNING
from streams.core.sealing import Sealer
from streams.core.settings import Settings, SettingsError


async def guard_of(platform: Platform) -> Guard:
    """The one guard of all services of a process."""
    settings = platform.settings
    identities = StoredIdentities(
        await platform.projections(),
        platform.projection(ACCOUNTS),
        platform.projection(SIGNING),
        platform.vault(),
    )
    return Guard(
        admin_key_sha256=settings.admin_api_key_sha256,
        tokens=Tokens(
            settings.session_secret.get_secret_value(), admin_key_sha256=settings.admin_api_key_sha256
        ),
        secure=any(
            url.startswith("https://") for url in (settings.public_url, *settings.service_urls.values())
        ),
        accounts=AccountCredentials(
            Standing(identities),
            settings.token_issuer,
            usage=KeyUsage(lambda: platform.producer("gate")),
        ),
        foreign=tuple(_foreign(settings)),
    )


async def account_news_of(platform: Platform) -> Watch:
    """Changes of accounts, for the connections that stand on them."""
    hub, reader, accounts = await platform.hub(), await platform.projections(), platform.projection(ACCOUNTS)

    @asynccontextmanager
    async def watch(listener: Listener) -> AsyncIterator[None]:
        view = await reader.pin(accounts)
        async with hub.listen([view.tag(number) for number in range(accounts.partitions)], listener):
            yield

    return watch


async def names_of(platform: Platform) -> AccountNames:
    """How people are called, for all services of a process."""
    reader = await platform.projections()
    return AccountNames(reader, platform.projection(ACCOUNTS), Sealer(platform.vault()))


def limiter_of(platform: Platform) -> Limiter:
    """The limiter of all services of a process. Raises SettingsError for RATE_LIMITS that are none."""
    settings = platform.settings
    try:
        changed = rates(settings.rate_limits)
    except RatesWrong as error:
        raise SettingsError(str(error)) from error
    return Limiter(platform.redis(), settings.session_secret.get_secret_value().encode(), changed)


def edge_of(settings: Settings) -> EdgeConfig:
    """What the edge is told by the settings."""
    return EdgeConfig(
        cors_origins=frozenset(settings.cors_origins),
        proxies=Proxies(networks(settings.trusted_proxies), settings.proxy_header),
    )


def _foreign(settings: Settings) -> Sequence[TokenReader]:
    readers: list[TokenReader] = [
        ForeignTokens(issuer, PublishedKeys(issuer)) for issuer in settings.oidc_issuers
    ]
    secret = settings.jwt_secret.get_secret_value()
    if secret:
        readers.append(SharedSecretTokens(secret, settings.token_issuer))
    return readers
