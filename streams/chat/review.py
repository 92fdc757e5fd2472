"""What people report, and what moderators decide on messages that wait for them. Pure."""

from __future__ import annotations

from typing import Any, Final

from schemas.chat.events import MessageCopy
from schemas.chat.views import MOST_HELD, MOST_REPORTED, MOST_REPORTERS
from streams.chat import messages, standing
from streams.chat.state import Held, Reported
from streams.chat.turn import Turn
from streams.chat.verdict import Verdict
from streams.engine import Refuse

REPORTS: Final = "reports"  # the rule that holds what enough people reported


def report_submitted(turn: Turn, data: dict[str, Any]) -> None:
    """One more person reports a message; at the room's threshold moderators are told, or it is held."""
    turn.must_not_be_archived()
    message: MessageCopy = data["message"]
    message_id, reporter = message["message_id"], data["account_id"]
    turn.must_not_be_gone(message_id)
    if message["account_id"] == reporter:
        raise Refuse("own_message", "You wrote this message yourself: remove it instead.")
    sanction = standing.sanction_of(turn, reporter, None, None)
    if sanction is not None and sanction["kind"] != "shadow":
        raise Refuse("banned", "Who may not write in this room reports nothing either.")
    known = turn.state["reports"].get(message_id)
    reporters = known["reporters"] if known else []
    settled = known is not None and (known["settled"] or len(reporters) >= MOST_REPORTERS)
    # A shadow's word counts for nothing, and it must not learn of that.
    if settled or reporter in reporters or sanction is not None:
        raise Refuse("reported_already", "Moderators know of this message: nothing is left to do.")
    reporters = [*reporters, reporter]
    reports = turn.own("reports")
    reports.pop(message_id, None)
    entry: Reported = {"account_id": message["account_id"], "reporters": reporters, "settled": False}
    reports[message_id] = entry
    reached = len(reporters) == turn.settings["report_threshold"]
    turn.say(
        "MessageReported",
        account_id=reporter,
        reason=data["reason"],
        message=message,
        reporters=len(reporters),
        reached=reached,
    )
    _forget_oldest(turn)
    if reached and turn.settings["report_action"] == "hold" and len(turn.state["held"]) < MOST_HELD:
        _take_out_of_sight(turn, message)


def _forget_oldest(turn: Turn) -> None:
    """Reports beyond the bound: those that nobody looked at leave the moderators' desk by that."""
    reports = turn.own("reports")
    oldest = list(reports)[: max(0, len(reports) - MOST_REPORTED)]
    open_ones = [message_id for message_id in oldest if not reports[message_id]["settled"]]
    for message_id in oldest:
        del reports[message_id]
    if open_ones:
        turn.say("ReportsDismissed", message_ids=open_ones, actor_id=NOBODY)


def _take_out_of_sight(turn: Turn, message: MessageCopy) -> None:
    """It stands in the queue as if it had been held when it was sent; let through, it comes back."""
    message_id = message["message_id"]
    waiting = turn.state["held"].get(message_id)
    if waiting is not None:  # its other text: nobody needs to decide on that any more
        turn.own("held").pop(message_id)
        author = message["account_id"]
        turn.say("HeldRejected", message_ids=[message_id], account_id=author, actor_id=NOBODY)
    version = turn.state["limits"]["version"]
    report = turn.state["reports"][message_id]
    turn.forget([message_id])
    turn.own("gone").pop(message_id)
    turn.own("reports")[message_id] = report
    turn.say("MessagesRemoved", message_ids=[message_id], by="reports", actor_id=NOBODY, reason=REPORTS)
    messages.hold(turn, message, Verdict("hold", REPORTS), version, edit=False)


def review_decided(turn: Turn, data: dict[str, Any]) -> None:
    """Held ones come in or are not shown; reported ones stay or go. Others are decided already."""
    turn.must_moderate(data)
    actor_id, approved = data["actor_id"], data["approved"]
    asked = list(dict.fromkeys(data["message_ids"]))
    held = [message_id for message_id in asked if message_id in turn.state["held"]]
    reported = [message_id for message_id in asked if message_id not in held and _is_open(turn, message_id)]
    if not held and not reported:
        raise Refuse("nothing_waits", "Nothing waits for a decision on these: somebody was faster.")
    if approved:
        for message_id in held:
            _let_through(turn, turn.own("held").pop(message_id), actor_id)
    elif held:
        turn_down(turn, held, actor_id)
    if reported and approved:
        reports = turn.own("reports")
        for message_id in reported:
            reports[message_id] = {**reports[message_id], "settled": True}
        turn.say("ReportsDismissed", message_ids=reported, actor_id=actor_id)
    elif reported:
        turn.forget(reported)
        turn.say("MessagesRemoved", message_ids=reported, by="moderator", actor_id=actor_id, reason=REPORTS)


def _is_open(turn: Turn, message_id: str) -> bool:
    report = turn.state["reports"].get(message_id)
    return report is not None and not report["settled"]


def _let_through(turn: Turn, held: Held, actor_id: str) -> None:
    message, version = held["message"], held["rules_version"]
    message_id = message["message_id"]
    if held["edit"]:
        messages.edited(turn, message, version, reviewer=actor_id)
        return
    report = turn.state["reports"].get(message_id)
    if report is not None:
        turn.own("reports")[message_id] = {**report, "settled": True}
    waited_ms = max(0, turn.now_ms - held["held_at_ms"])
    messages.accept(turn, message, version, held_ms=waited_ms, reviewer=actor_id)


def turn_down(turn: Turn, message_ids: list[str], actor_id: str) -> None:
    """They leave the queue unseen. Of other texts the old one stays; new messages are gone.

    One event an author, who is told of it, and of nobody else's.
    """
    held = turn.own("held")
    entries = [held.pop(message_id) for message_id in message_ids]
    turn.forget([each["message"]["message_id"] for each in entries if not each["edit"]])
    by_author: dict[str, list[str]] = {}
    for each in entries:
        by_author.setdefault(each["message"]["account_id"], []).append(each["message"]["message_id"])
    for account_id, theirs in by_author.items():
        turn.say("HeldRejected", message_ids=theirs, account_id=account_id, actor_id=actor_id)


NOBODY: Final = ""  # actor_id where a rule acts by itself
