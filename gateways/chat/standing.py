"""How an account stands in a room: whether it belongs there, and why it may not write."""

from __future__ import annotations

from typing import Any, Final

import orjson

from gateways.chat.context import Chat
from gateways.core.projections import in_time
from schemas.chat.views import MemberView, SanctionView, members_suffix, sanctions_suffix

STRANGER: Final[dict[str, Any]] = {"member": None, "sanction": None}


async def standing_of(chat: Chat, room_id: str, account_id: str | None) -> dict[str, Any]:
    """`member` (kind, joined_at_ms) and `sanction` (kind, until_ms, reason), null where there is none.

    A shadow ban is none: whom it is about must not learn of it. One round trip. Raises RedisError, OSError.
    """
    if account_id is None:
        return STRANGER
    rooms, desk = await chat.projections.pin(chat.rooms), await chat.projections.pin(chat.desk)
    pipeline = chat.redis.pipeline(transaction=False)
    pipeline.hget(f"{rooms.tag_of(room_id)}:{members_suffix(room_id)}", account_id)
    pipeline.hget(f"{desk.tag_of(room_id)}:{sanctions_suffix(room_id)}", account_id)
    member, sanction = await in_time(pipeline.execute())
    return {
        "member": None if member is None else _member(orjson.loads(member)),
        "sanction": None if sanction is None else _sanction(orjson.loads(sanction), chat.now_ms()),
    }


def _member(view: MemberView) -> dict[str, Any]:
    return {"kind": view["kind"], "joined_at_ms": view["joined_at_ms"]}


def _sanction(view: SanctionView, now_ms: int) -> dict[str, Any] | None:
    over = view["until_ms"] is not None and view["until_ms"] <= now_ms
    if view["kind"] == "shadow" or over:
        return None
    return {"kind": view["kind"], "until_ms": view["until_ms"], "reason": view["reason"]}
