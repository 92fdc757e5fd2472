"""How chat calls people: by the display name that they chose, never by their address."""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast

from redis.exceptions import RedisError

from gateways.core.projections import Projection, ProjectionReader
from schemas.identity.views import AccountDocument
from streams.core.sealing import Sealer
from streams.core.vault import VaultError

KEPT_S: Final = 30.0
MOST: Final = 10_000
DISPLAY_NAME: Final = "display_name"


class People:
    """Names by account id. One that nobody chose, or that cannot be looked up now, is None."""

    def __init__(
        self,
        projections: ProjectionReader,
        accounts: Projection,
        sealer: Sealer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._projections, self._accounts, self._sealer, self._clock = projections, accounts, sealer, clock
        self._held: OrderedDict[str, tuple[str | None, float]] = OrderedDict()  # the oldest first

    async def names(self, account_ids: Iterable[str]) -> Mapping[str, str | None]:
        """At most one round trip to each store. A changed name shows after KEPT_S."""
        wanted, oldest_s = set(account_ids), self._clock() - KEPT_S
        found = {a: held[0] for a in wanted if (held := self._held.get(a)) and held[1] > oldest_s}
        missing = [account_id for account_id in wanted if account_id not in found]
        if missing:
            try:
                found |= await self._read(missing)
            except (RedisError, OSError, VaultError):
                found |= dict.fromkeys(missing)
        return found

    async def _read(self, account_ids: list[str]) -> dict[str, str | None]:
        now_s = self._clock()
        view = await self._projections.pin(self._accounts)
        documents = [cast("AccountDocument | None", d) for d in await view.get_many(account_ids)]
        sealed = [
            (account_id, DISPLAY_NAME, base64.b64decode(document["display_name_sealed"]))
            for account_id, document in zip(account_ids, documents, strict=True)
            if document is not None and document["display_name_sealed"] is not None
        ]
        texts = await self._sealer.open_many(sealed)
        found: dict[str, str | None] = dict.fromkeys(account_ids)
        found |= {account_id: text for (account_id, _, _), text in zip(sealed, texts, strict=True)}
        for account_id, name in found.items():
            self._held.pop(account_id, None)
            self._held[account_id] = (name, now_s)
        while len(self._held) > MOST:
            self._held.popitem(last=False)
        return found
