"""Screening rules on trial: past messages are opened, screened anew, and compared with what was decided.

Only what the rules themselves decide is compared: first messages, repeats, floods and reports are the room's
memory's, and moderators' texts are never screened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateways.chat.context import Chat
from gateways.chat.desk_models import Difference, TrialResult, Verdict
from gateways.chat.models import Message
from gateways.chat.past import table
from schemas.chat.views import RoomDocument
from streams.core.screening.screen import compiled, screen, strictest

TRIAL_S: Final = 3.0
"""How long texts are screened for one answer."""
STEP: Final = 50
MOST_LISTED: Final = 500
BY_MEMORY: Final = frozenset(("repeats", "first_messages", "reports"))
_WAS: Final[Mapping[str, Verdict]] = {"message": "accept", "held": "hold", "rejected": "reject"}


async def tried(
    chat: Chat, room: RoomDocument, rules: str, from_ms: int, to_ms: int, most: int
) -> TrialResult:
    """`rules` as JSON; the newest `most` messages of the time. Raises HistoryUnavailable, VaultError."""
    found = await _sent(chat, room["room_id"], from_ms, to_ms, most + 1)
    result = TrialResult(
        looked_at=0, same=0, would_hold=0, would_reject=0, would_let_through=0, by_memory=0, unreadable=0,
        complete=len(found) <= most, items=[],
    )  # fmt: skip
    room_rules = compiled(rules)
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + TRIAL_S
    candidates = [row for row in found[:most] if not _exempt(room, row)]
    for at in range(0, len(candidates), STEP):
        if loop.time() >= deadline_s:
            result.complete = False
            break
        part = candidates[at : at + STEP]
        messages = await chat.opener.messages(room, part)
        for row, message in zip(part, messages, strict=True):
            result.looked_at += 1
            if row["rule"] in BY_MEMORY:
                result.by_memory += 1
            elif message is None:
                result.unreadable += 1
            else:
                findings = screen(message["text"], room_rules)
                _compare(result, row, message, [dict(each) for each in findings])
        await asyncio.sleep(0)
    return result


def _compare(
    result: TrialResult, row: Mapping[str, Any], message: dict[str, Any], findings: list[dict[str, Any]]
) -> None:
    was: Verdict = _WAS[str(row["what"])]
    would: Verdict = strictest(findings) or "accept"
    if was == would:
        result.same += 1
        return
    if would == "hold":
        result.would_hold += 1
    elif would == "reject":
        result.would_reject += 1
    else:
        result.would_let_through += 1
    if len(result.items) < MOST_LISTED:
        result.items.append(
            Difference(
                message=Message(**message), was=was, was_rule=str(row["rule"]), would=would, findings=findings
            )
        )


def _exempt(room: RoomDocument, row: Mapping[str, Any]) -> bool:
    return row["account_id"] == room["owner_id"] or row["account_id"] in room["moderators"]


async def _sent(
    chat: Chat, room_id: str, from_ms: int, to_ms: int, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Each message as it was first decided on, the newest first."""
    return await chat.history.query(
        "SELECT message_id, min(offset) AS id, argMin(kind, offset) AS what, any(account_id) AS account_id, "  # noqa: S608
        "argMin(text_sealed, offset) AS text_sealed, argMin(rule, offset) AS rule, "
        "argMin(mentions, offset) AS mentions, argMin(reply_to, offset) AS reply_to, "
        "argMin(media_ms, offset) AS media_ms, min(sent_at_ms) AS sent_at_ms "
        f"FROM (SELECT * FROM {await table(chat)} WHERE room_id = {{room:String}} "
        "AND kind IN ('message', 'held', 'rejected') "
        "AND at_ms >= {from_ms:Int64} AND at_ms < {to_ms:Int64}) "
        "GROUP BY message_id ORDER BY id DESC LIMIT {limit:UInt32}",
        {"room": room_id, "from_ms": from_ms, "to_ms": to_ms, "limit": limit},
    )
