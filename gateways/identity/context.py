"""What the identity service's handlers work with, put into the app once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from gateways.core.asking import PUBLISH_S
from gateways.core.countries import Countries
from gateways.core.deps import History, Producer
from gateways.core.projections import Projection, ProjectionReader
from gateways.identity.attempts import Attempts
from gateways.identity.book import AddressBook
from gateways.identity.passwords import Passwords
from gateways.identity.signer import Signer
from streams.core.sealing import Sealer
from streams.core.vault import Vault

ACCOUNT_REQUESTS: Final = "identity.account.requests"
ADDRESS_REQUESTS: Final = "identity.address.requests"
SERVICE_NAME: Final = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long handlers wait for the log and the projections before they answer anyway, seconds."""

    publish_s: float = PUBLISH_S
    outcome_s: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Everything the handlers use. `clock` gives seconds since 1970."""

    producer: Producer
    projections: ProjectionReader
    history: History
    vault: Vault
    sealer: Sealer
    accounts: Projection
    addresses: Projection
    library: Projection
    book: AddressBook
    passwords: Passwords
    attempts: Attempts
    signer: Signer
    countries: Countries = field(default_factory=lambda: Countries(None))
    waits: Waits = field(default_factory=Waits)
    clock: Callable[[], float] = time.time
    log_table: str = "log_events"

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock() * 1000)


IDENTITY = web.AppKey("identity", Identity)


def identity_of(request: web.Request) -> Identity:
    """The app's Identity."""
    return request.app[IDENTITY]
