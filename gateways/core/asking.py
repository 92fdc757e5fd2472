"""How a gateway changes anything: a request on the log, and what its decider made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from gateways.core.deps import Position, Producer
from gateways.core.problem import Problem, retry_later
from gateways.core.projections import View
from schemas.wiring import REFUSED

PUBLISH_S: Final = 8.0
"""How long the log may take to accept a request, seconds."""


async def publish(
    producer: Producer,
    topic: str,
    key: str,
    type_name: str,
    data: Mapping[str, Any],
    request_id: str,
    timeout_s: float = PUBLISH_S,
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
    if outcome is None or outcome["type"] != REFUSED:
        return None
    return Problem("conflict", str(outcome["data"]["detail"]), code=str(outcome["data"]["code"]))


def undecided() -> Problem:
    """503: the request is on the log; what becomes of it is not known yet."""
    return retry_later(
        "unavailable",
        "The request is accepted, but its outcome is not known yet; look again, or send it again with the "
        "same Idempotency-Key.",
    )


async def outcome_of(view: View, key: str, request_id: str, timeout_s: float) -> dict[str, Any]:
    """What the decider made of a request on aggregate `key`, as the projection knows it.

    Raises the Problem 409 of a refusal, 503 if nothing is known after `timeout_s`.
    """
    outcome = await view.await_outcome(key, request_id, timeout_s)
    if outcome is None:
        raise undecided()
    if (refusal := refused(outcome)) is not None:
        raise refusal
    return outcome
