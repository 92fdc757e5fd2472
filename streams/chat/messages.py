"""What people write: new messages, and other texts of those there are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.chat.events import MessageCopy
from schemas.chat.views import MOST_EDITS, MOST_HELD
from streams.chat import standing
from streams.chat.state import MOST_GREETED
from streams.chat.turn import Turn, bounded
from streams.chat.verdict import Verdict, verdict_on
from streams.engine import Refuse


def message_submitted(turn: Turn, data: dict[str, Any]) -> None:
    """Accepted, shown to its author alone, held, or turned down."""
    message_id = data["message_id"]
    if message_id in turn.recent or message_id in turn.state["held"]:
        raise Refuse("message_exists", "This message was sent already: nothing is left to do.")
    turn.must_not_be_gone(message_id)
    shadow = standing.check_may_write(turn, data)
    moderates = turn.moderates(data["account_id"], data["privileged"])
    if not moderates:
        standing.check_pace(turn, data["account_id"], edit=False)
    verdict = verdict_on(turn, data, edit=False)
    message = _message(turn, data)
    if verdict.action == "reject":
        _reject(turn, data, message, verdict, edit=False)
        return
    standing.wrote(turn, data, data["text_hash"])
    if shadow:
        turn.remember(message_id, {"account_id": message["account_id"], "shadow": True})
        turn.say("MessageShadowed", **message, rules_version=data["rules_version"])
    elif verdict.action == "hold":
        hold(turn, message, verdict, data["rules_version"], edit=False)
    else:
        accept(turn, message, data["rules_version"])


def edit_requested(turn: Turn, data: dict[str, Any]) -> None:
    """Another text goes the way of a new one; until a moderator let it through, the old one stays."""
    message_id, account_id = data["message_id"], data["account_id"]
    entry, waiting = turn.recent.get(message_id), turn.state["held"].get(message_id)
    author = entry["account_id"] if entry else waiting["message"]["account_id"] if waiting else None
    if author is None:
        raise Refuse("message_unknown", "There is no such message, or it is too old to be edited.")
    if author != account_id:
        raise Refuse("not_yours", "Only its author may edit a message.")
    shadow = standing.check_may_write(turn, data)
    if not turn.moderates(account_id, data["privileged"]):
        standing.check_pace(turn, account_id, edit=True)
    if entry is not None and entry.get("edits", 0) >= MOST_EDITS:
        raise Refuse("too_many_edits", f"A message is edited at most {MOST_EDITS} times: write another one.")
    verdict = verdict_on(turn, data, edit=True)
    message = _message(turn, data)
    if verdict.action == "reject":
        _reject(turn, data, message, verdict, edit=True)
        return
    standing.wrote(turn, data, "")
    if entry is None:
        assert waiting is not None
        _replace(turn, waiting["message"], data, verdict)
    elif verdict.action == "hold" and not (shadow or entry.get("shadow")):
        hold(turn, message, verdict, data["rules_version"], edit=True)
    else:
        if waiting is not None:
            turn.own("held").pop(message_id)
            turn.say("HeldRejected", message_ids=[message_id], account_id=account_id, actor_id=account_id)
        edited(turn, message, data["rules_version"], shadow=shadow)


def accept(
    turn: Turn,
    message: MessageCopy,
    rules_version: int,
    *,
    held_ms: int | None = None,
    reviewer: str | None = None,
) -> None:
    """It is in the room."""
    account_id = message["account_id"]
    turn.remember(message["message_id"], {"account_id": account_id})
    if turn.settings["hold_first_messages"]:
        greeted = turn.own("greeted")
        greeted[account_id] = greeted.pop(account_id, 0) + 1
        bounded(greeted, MOST_GREETED)
    turn.say("MessageAccepted", **message, rules_version=rules_version, held_ms=held_ms, reviewer_id=reviewer)


def edited(
    turn: Turn, message: MessageCopy, rules_version: int, *, shadow: bool = False, reviewer: str | None = None
) -> None:
    """It has another text."""
    message_id = message["message_id"]
    entry = turn.recent.get(message_id, {"account_id": message["account_id"]})
    number = entry.get("edits", 0) + 1
    shadow = shadow or entry.get("shadow", False)
    turn.remember(message_id, {**entry, "edits": number})
    turn.say(
        "MessageEdited",
        message_id=message_id,
        account_id=message["account_id"],
        text_sealed=message["text_sealed"],
        mentions=message["mentions"],
        shadow=shadow,
        edit_number=number,
        rules_version=rules_version,
        reviewer_id=reviewer,
    )


def hold(turn: Turn, message: MessageCopy, verdict: Verdict, rules_version: int, *, edit: bool) -> None:
    """It waits for a moderator; with a full queue it is refused, so that the queue stays readable."""
    message_id = message["message_id"]
    if message_id not in turn.state["held"] and len(turn.state["held"]) >= MOST_HELD:
        raise Refuse("queue_full", "Too many messages wait for a moderator: try again later.")
    held = turn.own("held")
    held.pop(message_id, None)
    held[message_id] = {
        "message": message,
        "edit": edit,
        "rule": verdict.rule,
        "rules_version": rules_version,
        "held_at_ms": turn.now_ms,
    }
    turn.say(
        "MessageHeld",
        **message,
        edit=edit,
        rule=verdict.rule,
        score=verdict.score,
        rules_version=rules_version,
    )


def _replace(turn: Turn, waiting: MessageCopy, data: Mapping[str, Any], verdict: Verdict) -> None:
    """Another text of a message that nobody has let through yet: it waits on."""
    before = turn.state["held"][waiting["message_id"]]
    message: MessageCopy = {**waiting, "text_sealed": data["text_sealed"], "mentions": data["mentions"]}
    if verdict.action == "accept":
        verdict = Verdict("hold", before["rule"])
    hold(turn, message, verdict, data["rules_version"], edit=False)


def _reject(
    turn: Turn, data: Mapping[str, Any], message: MessageCopy, verdict: Verdict, *, edit: bool
) -> None:
    standing.wrote(turn, data, "")  # who is turned down again and again writes too fast
    body = {name: value for name, value in message.items() if name != "sent_at_ms"}
    version = data["rules_version"]
    turn.say(
        "MessageRejected", **body, edit=edit, rule=verdict.rule, score=verdict.score, rules_version=version
    )
    turn.refuse("rejected", f"The room's rule {verdict.rule} does not allow this text: write it differently.")


def _message(turn: Turn, data: Mapping[str, Any]) -> MessageCopy:
    return {
        "message_id": data["message_id"],
        "account_id": data["account_id"],
        "text_sealed": data["text_sealed"],
        "sent_at_ms": turn.now_ms,
        "mentions": data["mentions"],
        "reply_to": data.get("reply_to"),
        "media_ms": data.get("media_ms"),
    }
