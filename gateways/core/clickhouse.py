"""ClickHouse as gateways use it: read only, connected at the first query, each query bounded.

Where CLICKHOUSE_READ_URLS names replicas, queries go to each of them in turn, past those that do not answer.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from clickhouse_connect.driver.exceptions import Error, OperationalError

from streams.core.clients import clickhouse_client
from streams.core.settings import Settings

QUERY_TIMEOUT_S: Final = 8
HistoryUnavailable = Error
"""What a query raises when ClickHouse is away, busy, or has no such table yet."""
HistoryAway = OperationalError
"""The part of it that is the server's: it does not answer."""


class ClickHouseHistory:
    """A History that opens its connections when first needed, so that a gateway starts without ClickHouse."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._urls = settings.clickhouse_read_urls or (settings.clickhouse_url,)
        self._clients: dict[int, Any] = {}
        self._lock = asyncio.Lock()
        self._turn = itertools.count()

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Rows as mappings. `{name:Type}` in the text is bound by the server, never pasted in."""
        first = next(self._turn)
        for attempt in range(1, len(self._urls) + 1):
            try:
                client = await self._connected((first + attempt) % len(self._urls))
                result = await client.query(
                    sql, parameters=dict(parameters), settings={"max_execution_time": QUERY_TIMEOUT_S}
                )
                return list(result.named_results())
            except Error as error:
                if attempt == len(self._urls) or not _elsewhere(error):
                    raise
        raise AssertionError("there is at least one URL")

    async def ready(self) -> None:
        """Raises if no ClickHouse answers."""
        await self.query("SELECT 1 AS one", {})

    async def close(self) -> None:
        """Give the connections back."""
        while self._clients:
            await self._clients.popitem()[1].close()

    async def _connected(self, number: int) -> Any:
        async with self._lock:
            if number not in self._clients:
                self._clients[number] = await clickhouse_client(self._settings, url=self._urls[number])
            return self._clients[number]


def _elsewhere(error: Error) -> bool:
    """Whether another server may know better: this one is away, starting, stopping or full of queries."""
    return isinstance(error, HistoryAway) or getattr(error, "code", None) in (None, 202, 209, 210, 236)
