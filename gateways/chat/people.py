"""How chat calls people: by the display name that they chose, never by their address.

The log keeps the ids of who was erased, and so do the lists of a room's projection: as numbers without a
person. Whoever shows such a list to people leaves them out by `there`.
"""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, cast

from redis.exceptions import RedisError

from gateways.core.projections import Projection, ProjectionReader
from schemas.identity.views import AccountDocument
from streams.core.sealing import Sealer
from streams.core.vault import VaultError

KEPT_S: Final = 30.0
MOST: Final = 10_000
DISPLAY_NAME: Final = "display_name"


class Known(NamedTuple):
    """What is known of an account for KEPT_S. Where nobody can tell now it counts as there."""

    name: str | None
    erased: bool


NOTHING: Final = Known(None, False)


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
        self._held: OrderedDict[str, tuple[Known, float]] = OrderedDict()  # the oldest first

    async def names(self, account_ids: Iterable[str]) -> Mapping[str, str | None]:
        """At most one round trip to each store. A changed name shows after KEPT_S."""
        return {account_id: known.name for account_id, known in (await self._known(account_ids)).items()}

    async def there(self, account_ids: Iterable[str]) -> Mapping[str, str | None]:
        """The names of those who are not erased, in the order given; an erasure shows after KEPT_S."""
        wanted = list(account_ids)
        known = await self._known(wanted)
        return {account_id: known[account_id].name for account_id in wanted if not known[account_id].erased}

    async def state(self, account_id: str) -> str | None:
        """Of the account now; None: there is no such account here. Raises RedisError, OSError."""
        found = await (await self._projections.pin(self._accounts)).get(account_id)
        return None if found is None else cast("AccountDocument", found)["state"]

    async def _known(self, account_ids: Iterable[str]) -> Mapping[str, Known]:
        wanted, oldest_s = set(account_ids), self._clock() - KEPT_S
        found = {a: held[0] for a in wanted if (held := self._held.get(a)) and held[1] > oldest_s}
        missing = [account_id for account_id in wanted if account_id not in found]
        if missing:
            try:
                found |= await self._read(missing)
            except (RedisError, OSError, VaultError):
                found |= dict.fromkeys(missing, NOTHING)
        return found

    def forget(self, account_ids: Iterable[str]) -> None:
        """They are looked up again."""
        for account_id in account_ids:
            self._held.pop(account_id, None)

    async def _read(self, account_ids: list[str]) -> dict[str, Known]:
        now_s = self._clock()
        view = await self._projections.pin(self._accounts)
        documents = [cast("AccountDocument | None", d) for d in await view.get_many(account_ids)]
        sealed = [
            (account_id, DISPLAY_NAME, base64.b64decode(document["display_name_sealed"]))
            for account_id, document in zip(account_ids, documents, strict=True)
            if document is not None and document["display_name_sealed"] is not None
        ]
        texts = await self._sealer.open_many(sealed)
        names = {account_id: text for (account_id, _, _), text in zip(sealed, texts, strict=True)}
        found = {
            account_id: Known(names.get(account_id), document is not None and document["state"] == "erased")
            for account_id, document in zip(account_ids, documents, strict=True)
        }
        for account_id, known in found.items():
            self._held.pop(account_id, None)
            self._held[account_id] = (known, now_s)
        while len(self._held) > MOST:
            self._held.popitem(last=False)
        return found
