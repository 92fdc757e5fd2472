"""How handlers change anything: a request on the log, then a bounded wait for what became of it."""

from __future__ import annotations

from typing import Any

from gateways.chat.context import Chat
from gateways.chat.said import Refused
from gateways.chat.sending import answered, publish
from gateways.core.problem import Problem


async def decided(chat: Chat, name: str, data: dict[str, Any], request_id: str) -> dict[str, Any]:
    """Put kinolog.chat.<name> to the room's decider; its outcome, which the room's projection shows by now.

    Problem 409 with the decider's code if it was refused, 503 if nothing is known in time: a retry with the
    same `request_id` is the same request.
    """
    try:
        return await answered(await publish(chat, name, data, request_id))
    except Refused as no:
        raise conflict(no) from no


def conflict(no: Refused) -> Problem:
    """A decider's no as HTTP says it."""
    return Problem("conflict", no.detail, code=no.code)
