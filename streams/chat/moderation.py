"""What is taken away: messages, or the right to write; and what is pinned. Pure."""

from __future__ import annotations

from typing import Any, Final

from schemas.chat.views import MOST_PINNED, MOST_SANCTIONS
from streams.chat import review, standing
from streams.chat.state import Sanction
from streams.chat.turn import Turn
from streams.engine import Refuse

KINDS: Final = ("timeout", "ban", "shadow")
MOST_DURATION_S: Final = 31_536_000


def removal_requested(turn: Turn, data: dict[str, Any]) -> None:
    """By their author, or a moderator. Older ones than the room remembers are whose the gateway read."""
    actor_id = data["actor_id"]
    moderates = turn.moderates(actor_id, data["privileged"])
    held = turn.state["held"]
    authors = {}
    for each in data["messages"]:
        message_id = each["message_id"]
        entry, waiting = turn.recent.get(message_id), held.get(message_id)
        known = entry["account_id"] if entry else waiting["message"]["account_id"] if waiting else None
        authors[message_id] = known or each["account_id"]
    own = all(account_id == actor_id for account_id in authors.values())
    if not own and not moderates:
        raise Refuse("not_yours", "Only its author and moderators remove a message.")
    unseen = {m for m in authors if m in held and not held[m]["edit"]}
    waiting_ids = [message_id for message_id in authors if message_id in held]
    if waiting_ids:
        review.turn_down(turn, waiting_ids, actor_id)
    seen = [message_id for message_id in authors if message_id not in unseen]
    if seen:
        turn.forget(seen)
        by = "author" if own else "moderator"
        turn.say("MessagesRemoved", message_ids=seen, by=by, actor_id=actor_id, reason=data["reason"])


def purge_requested(turn: Turn, data: dict[str, Any]) -> None:
    """All that an account wrote: what the room remembers is named, all of before is meant."""
    actor_id, account_id = data["actor_id"], data["account_id"]
    if actor_id != account_id:
        turn.must_moderate(data)
    held = turn.state["held"]
    waiting = [m for m, each in held.items() if each["message"]["account_id"] == account_id]
    seen = [m for m, entry in turn.recent.items() if entry["account_id"] == account_id]
    reported = [m for m, each in turn.state["reports"].items() if each["account_id"] == account_id]
    if waiting:
        entries = turn.own("held")
        for message_id in waiting:
            del entries[message_id]
    message_ids = list(dict.fromkeys([*seen, *waiting]))
    turn.forget(dict.fromkeys([*message_ids, *reported]))
    turn.say(
        "MessagesPurged",
        account_id=account_id,
        message_ids=message_ids,
        actor_id=actor_id,
        reason=data["reason"],
    )


def pin_requested(turn: Turn, data: dict[str, Any]) -> None:
    """A message stands above the others, or no longer."""
    turn.must_moderate(data)
    message_id, message = data["message_id"], data["message"]
    if not data["pinned"]:
        if message_id not in turn.state["pinned"]:
            raise Refuse("nothing_to_change", "It is not pinned: nothing is left to do.")
        turn.own("pinned").remove(message_id)
        turn.say("MessageUnpinned", message_id=message_id, actor_id=data["actor_id"])
        return
    turn.must_not_be_gone(message_id)
    if message is None or message["message_id"] != message_id:
        raise Refuse("message_unknown", "There is no such message in this room.")
    if turn.recent.get(message_id, {}).get("shadow"):
        raise Refuse("message_unknown", "Its author alone sees this message: it cannot be pinned.")
    if message_id in turn.state["pinned"]:
        raise Refuse("nothing_to_change", "It is pinned already: nothing is left to do.")
    pinned = turn.own("pinned")
    if len(pinned) >= MOST_PINNED:
        raise Refuse("too_many_pins", f"At most {MOST_PINNED} messages are pinned: unpin one first.")
    pinned.append(message_id)
    turn.say("MessagePinned", message=message, actor_id=data["actor_id"])


# --- the right to write


def sanction_requested(turn: Turn, data: dict[str, Any]) -> None:
    """One at a time for each account: a new one takes the place of the one before."""
    turn.must_moderate(data)
    actor_id, account_id, kind = data["actor_id"], data["account_id"], data["kind"]
    _lift_passed(turn)
    if kind == "lift":
        if account_id not in turn.state["sanctions"]:
            raise Refuse("no_sanction", "This account may write: nothing is left to do.")
        _lift(turn, account_id, actor_id, "lifted")
        return
    until_ms = _until_ms(turn, kind, data["duration_s"])
    if account_id == turn.state["owner_id"] or account_id in turn.state["moderators"]:
        raise Refuse("is_moderator", "Moderators cannot be sanctioned: take their rights first.")
    speaker = turn.state["speakers"].get(account_id)
    device = speaker["device"] if speaker and data["with_device"] else None
    network = speaker["network"] if speaker and data["with_network"] else None
    sanctions = turn.own("sanctions")
    sanctions.pop(account_id, None)
    if len(sanctions) >= MOST_SANCTIONS:
        _lift(turn, next(iter(sanctions)), actor_id, "replaced")
    new: Sanction = {"kind": kind, "until_ms": until_ms, "device": device, "network": network}
    sanctions[account_id] = new
    turn.say(
        "MemberSanctioned",
        account_id=account_id,
        kind=kind,
        until_ms=until_ms,
        with_device=device is not None,
        with_network=network is not None,
        actor_id=actor_id,
        reason=data["reason"],
    )


def _until_ms(turn: Turn, kind: str, duration_s: int | None) -> int | None:
    if kind not in KINDS:
        raise Refuse("bad_sanction", f"kind: expected one of {', '.join((*KINDS, 'lift'))}.")
    if duration_s is None:
        if kind == "timeout":
            raise Refuse("bad_sanction", "duration_s: a timeout needs one; a ban lasts until it is lifted.")
        return None
    if not 0 < duration_s <= MOST_DURATION_S:
        raise Refuse("bad_sanction", f"duration_s: expected 1 to {MOST_DURATION_S} seconds.")
    return turn.now_ms + duration_s * 1000


def _lift_passed(turn: Turn) -> None:
    """Say of those whose time has passed that they are over, so that nobody keeps them for ever."""
    for account_id, each in list(turn.state["sanctions"].items()):
        if not standing.runs(each, turn.now_ms):
            _lift(turn, account_id, "", "over")


def _lift(turn: Turn, account_id: str, actor_id: str, reason: str) -> None:
    lifted = turn.own("sanctions").pop(account_id)
    turn.say("SanctionLifted", account_id=account_id, kind=lifted["kind"], actor_id=actor_id, reason=reason)
