"""How the person who is signed in is called, for the head of pages: their name, else their address."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final, cast

from redis.exceptions import RedisError

from gateways.core.projections import Projection, ProjectionReader
from schemas.identity.views import AccountDocument
from streams.core.sealing import Sealer
from streams.core.vault import VaultError

EMAIL: Final = "email"
DISPLAY_NAME: Final = "display_name"


@dataclass(frozen=True, slots=True)
class AccountNames:
    """Opens what an account's document holds sealed."""

    projections: ProjectionReader
    accounts: Projection
    sealer: Sealer

    async def of(self, account_id: str) -> str | None:
        """None without such an account, and while a store is away: nobody is kept out for want of a name."""
        try:
            view = await self.projections.pin(self.accounts)
            document = cast("AccountDocument | None", await view.get(account_id))
            if document is None:
                return None
            fields = ((DISPLAY_NAME, document["display_name_sealed"]), (EMAIL, document["email_sealed"]))
            texts = await self.sealer.open_many(
                [(account_id, field, base64.b64decode(text)) for field, text in fields if text is not None]
            )
        except (RedisError, OSError, VaultError):
            return None
        return next((text for text in texts if text), None)
