"""How a gateway changes anything: a request on the log, and what its decider made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from gateways.core.deps import Position, Producer
from gateways.core.problem import Problem, retry_later

_REFUSED: Final = ".RequestRefused"


async def publish(
    producer: Producer,
    topic: str,
    key: str,
    type_name: str,
    data: Mapping[str, Any],
    request_id: str,
    timeout_s: float,
) -> Position:
    """Put a request on the log; Problem 503 when the broker does not take it in time.

    A later retry with the same `request_id` is the same request, should this one have arrived after all.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await producer.publish(topic, key, type_name, data, ce_id=request_id)
    except TimeoutError:
        raise retry_later(
            "unavailable", "The log does not take requests now; try again with the same Idempotency-Key."
        ) from None


def refused(outcome: Mapping[str, Any] | None) -> Problem | None:
    """Problem 409, with the decider's code, of an outcome that is a refusal; None of any other."""
    if outcome is None or not str(outcome["type"]).endswith(_REFUSED):
        return None
    return Problem("conflict", str(outcome["data"]["detail"]), code=str(outcome["data"]["code"]))
