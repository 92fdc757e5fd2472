"""What moderators see of an account in their room: what it wrote, what became of it, what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from aiohttp import web

from gateways.chat.acts import done_to
from gateways.chat.context import Chat, chat_of
from gateways.chat.crowd import as_member, member_of
from gateways.chat.desk_models import Card, CardQuery, Written
from gateways.chat.models import Message, Person
from gateways.chat.moderation import sanctioned
from gateways.chat.opening import badge_of
from gateways.chat.past import table
from gateways.chat.rooms import account_id_in, known
from gateways.core.endpoint import json_response, query_of

State = Literal["shown", "removed", "held", "rejected", "shadowed"]
_STATES: Final[Mapping[str, State]] = {
    "message": "shown",
    "held": "held",
    "declined": "rejected",
    "rejected": "rejected",
    "shadowed": "shadowed",
    "removed": "removed",
}


async def read(request: web.Request) -> web.Response:
    """Removed texts included: a moderator decides on the whole of it."""
    chat, room, query = chat_of(request), await known(request), query_of(request, CardQuery)
    account_id = account_id_in(request)
    names = await chat.opener.people.names([account_id])
    found = await _written(chat, room["room_id"], account_id, query.before, query.limit + 1)
    page = found[: query.limit]
    fates = await _fates(chat, room["room_id"], account_id, [str(row["message_id"]) for row in page])
    messages = await chat.opener.messages(room, page)
    name, purged_at = names[account_id], int(fates.get("", {}).get("id", -1))
    found_items = [
        _with_fate(message, row, fates.get(message["message_id"]), purged_at)
        for message, row in zip(messages, page, strict=True)
        if message is not None
    ]
    items = [
        Written(**each, why=await chat.room_rules.said(room["room_id"], each["rule"], version))
        for each, version in found_items
    ]
    view, member = (
        await chat.sanctions.read(room["room_id"], account_id),
        await member_of(chat, room, account_id),
    )
    return json_response(
        Card(
            account=Person(id=account_id, name=name, badge=badge_of(room, account_id)),
            moderator=account_id in room["moderators"],
            member=None if member is None else as_member(room, account_id, name, member),
            sanction=None if view is None else sanctioned(room, account_id, name, view),
            reported=await _reported(chat, room["room_id"], account_id),
            history=await done_to(chat, room["room_id"], account_id),
            messages=items,
            before=int(page[-1]["id"]) if len(found) > len(page) else None,
        )
    )


def _with_fate(
    message: dict[str, Any], row: Mapping[str, Any], fate: Mapping[str, Any] | None, purged_at: int
) -> tuple[dict[str, Any], int]:
    """As `Written` but for its words, and the version of the rules that decided."""
    if row["id"] < purged_at:
        return {"message": Message(**message), "state": "removed", "rule": "", "reason": ""}, 0
    last = row if fate is None else fate
    # Another text that waits, or was turned down, leaves the message where it is.
    stays = fate is not None and int(fate["said"]) > int(fate["gone"])
    state: State = "shown" if stays else _STATES[str(last["what"])]
    told = {"message": Message(**message), "state": state}
    return {**told, "rule": str(last["rule"]), "reason": str(last["reason"])}, int(last["rules_version"])


async def _written(
    chat: Chat, room_id: str, account_id: str, before: int | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Each message once, with its newest text, the newest first."""
    return await chat.history.query(
        "SELECT message_id, min(offset) AS id, argMin(kind, offset) AS what, '' AS reason, "  # noqa: S608
        "any(account_id) AS account_id, argMax(text_sealed, offset) AS text_sealed, "
        "argMin(rule, offset) AS rule, argMin(rules_version, offset) AS rules_version, "
        "argMax(mentions, offset) AS mentions, "
        "argMin(reply_to, offset) AS reply_to, argMin(media_ms, offset) AS media_ms, "
        "min(sent_at_ms) AS sent_at_ms, countIf(kind IN ('edited', 'shadow_edited')) AS edits "
        f"FROM (SELECT * FROM {await table(chat)} "
        "WHERE room_id = {room:String} AND account_id = {account:String} "
        "AND kind IN ('message', 'held', 'rejected', 'shadowed', 'edited', 'shadow_edited')) "
        "GROUP BY message_id HAVING id < {before:UInt64} ORDER BY id DESC LIMIT {limit:UInt32}",
        {
            "room": room_id, "account": account_id, "limit": limit,
            "before": 2**63 if before is None else before,
        },
    )  # fmt: skip


async def _fates(
    chat: Chat, room_id: str, account_id: str, message_ids: list[str]
) -> dict[str, Mapping[str, Any]]:
    """What happened to each last; by "" when the account was purged last."""
    rows = await chat.history.query(
        "SELECT message_id, max(offset) AS id, argMax(kind, offset) AS what, argMax(rule, offset) AS rule, "  # noqa: S608
        "argMax(rules_version, offset) AS rules_version, "
        "max(if(kind = 'message', toInt64(offset), -1)) AS said, "
        "max(if(kind = 'removed', toInt64(offset), -1)) AS gone, "
        f"argMax(reason, offset) AS reason FROM {await table(chat)} WHERE room_id = {{room:String}} "
        "AND ((message_id IN {ids:Array(String)} AND kind IN "
        "('message', 'held', 'rejected', 'declined', 'shadowed', 'removed')) "
        "OR (kind = 'purged' AND account_id = {account:String})) GROUP BY message_id",
        {"room": room_id, "account": account_id, "ids": message_ids},
    )
    return {str(row["message_id"]): row for row in rows}


async def _reported(chat: Chat, room_id: str, account_id: str) -> int:
    name = await table(chat)
    [row] = await chat.history.query(
        f"SELECT count() AS reports FROM {name} WHERE room_id = {{room:String}} AND kind = 'reported' "  # noqa: S608
        f"AND message_id IN (SELECT message_id FROM {name} WHERE room_id = {{room:String}} "
        "AND account_id = {account:String} AND kind IN ('message', 'held'))",
        {"room": room_id, "account": account_id},
    )
    return int(row["reports"])
