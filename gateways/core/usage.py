"""Tells the log that an API key is in use: a request to its account, once a key and hour."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateways.core.deps import Producer
from schemas.event import deterministic_id
from streams.core.logging import get_logger

_log = get_logger("gateway.usage")
TOPIC: Final = "identity.account.requests"
TYPE: Final = "kinolog.identity.ApiKeyUsed"


class KeyUsage:
    """Publishes beside the request that used the key: its answer waits for nothing. A loss costs an hour."""

    def __init__(self, producer: Callable[[], Producer]) -> None:
        """`producer` is asked for at the first use."""
        self._producer = producer
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, account_id: str, key_id: str, hour_ms: int) -> None:
        task = asyncio.create_task(self._publish(account_id, key_id, hour_ms), name="api-key-used")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, account_id: str, key_id: str, hour_ms: int) -> None:
        data = {"account_id": account_id, "key_id": key_id, "used_at_ms": hour_ms}
        # Every gateway says the same of one key and hour, so its repeats are known.
        ce_id = deterministic_id("api-key-used", key_id, str(hour_ms))
        try:
            await self._producer().publish(TOPIC, account_id, TYPE, data, ce_id=ce_id)
        except Exception as error:
            _log.warning("the use of an API key was not told", error=type(error).__name__)
