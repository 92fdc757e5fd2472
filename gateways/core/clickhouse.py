"""ClickHouse as gateways use it: read only, connected at the first query, each query bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from clickhouse_connect.driver.exceptions import Error

from streams.core.clients import clickhouse_client
from streams.core.settings import Settings

QUERY_TIMEOUT_S: Final = 8
HistoryUnavailable = Error
"""What a query raises when ClickHouse is away, busy, or has no such table yet."""


class ClickHouseHistory:
    """A History that opens its connection when first needed, so that a gateway starts without ClickHouse."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None
        self._lock = asyncio.Lock()

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Rows as mappings. `{name:Type}` in the text is bound by the server, never pasted in."""
        client = await self._connected()
        result = await client.query(
            sql, parameters=dict(parameters), settings={"max_execution_time": QUERY_TIMEOUT_S}
        )
        return list(result.named_results())

    async def ready(self) -> None:
        """Raises if ClickHouse does not answer."""
        await self.query("SELECT 1 AS one", {})

    async def close(self) -> None:
        """Give the connection back."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _connected(self) -> Any:
        async with self._lock:
            if self._client is None:
                self._client = await clickhouse_client(self._settings)
            return self._client
