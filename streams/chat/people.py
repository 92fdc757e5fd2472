"""Who belongs to a room: its moderators, members and followers. Pure."""

from __future__ import annotations

from typing import Any

from schemas.chat.views import MOST_MEMBERS, MOST_MODERATORS
from streams.chat.turn import Turn
from streams.engine import Refuse


def moderator_change_requested(turn: Turn, data: dict[str, Any]) -> None:
    """The room's owner, or who may moderate every room, says who moderates this one."""
    if not turn.owns(data["actor_id"], data["privileged"]):
        raise Refuse("not_the_owner", "Only the room's owner may say who moderates it: ask them.")
    account_id, added = data["account_id"], data["added"]
    if (account_id in turn.state["moderators"]) == added:
        raise Refuse("nothing_to_change", "It is so already: nothing is left to do.")
    moderators = turn.own("moderators")
    if not added:
        moderators.remove(account_id)
    elif len(moderators) >= MOST_MODERATORS:
        raise Refuse("too_many_moderators", f"A room has at most {MOST_MODERATORS} moderators.")
    else:
        moderators.append(account_id)
        if account_id in turn.state["sanctions"]:
            lifted = turn.own("sanctions").pop(account_id)
            turn.say(
                "SanctionLifted",
                account_id=account_id,
                kind=lifted["kind"],
                actor_id=data["actor_id"],
                reason="lifted",
            )
    turn.say(
        "ModeratorsChanged",
        moderators=list(moderators),
        account_id=account_id,
        added=added,
        actor_id=data["actor_id"],
    )


def members_change_requested(turn: Turn, data: dict[str, Any]) -> None:
    """Moderators make members; people follow by their own wish; everybody may leave."""
    actor_id, kind, added = data["actor_id"], data["kind"], data["added"]
    oneself = data["account_ids"] == [actor_id]
    if kind == "member" and added:
        turn.must_moderate(data)
    elif not oneself and (added or not turn.moderates(actor_id, data["privileged"])):
        raise Refuse("not_yourself", "Others can only be asked to follow or to leave: act for yourself.")
    asked = list(dict.fromkeys(data["account_ids"]))
    if not added:
        changed = _left(turn, asked)
    elif kind == "member":
        changed = _joined(turn, asked)
    else:
        changed = _followed(turn, asked)
    if not changed:
        raise Refuse("nothing_to_change", "It is so already: nothing is left to do.")
    if len(turn.state["members"]) + len(turn.state["followers"]) > MOST_MEMBERS:
        raise Refuse("room_full", f"A room has at most {MOST_MEMBERS} members and followers.")
    turn.say(
        "MembersChanged",
        account_ids=changed,
        kind=kind,
        added=added,
        member_count=len(turn.state["members"]),
        follower_count=len(turn.state["followers"]),
        actor_id=actor_id,
    )


def _joined(turn: Turn, asked: list[str]) -> list[str]:
    changed = [account_id for account_id in asked if account_id not in turn.state["members"]]
    members, followers = turn.own("members"), turn.own("followers")
    for account_id in changed:
        followers.pop(account_id, None)
        members[account_id] = turn.now_ms
    return changed


def _followed(turn: Turn, asked: list[str]) -> list[str]:
    [account_id] = asked
    if account_id in turn.state["members"] or account_id in turn.state["followers"]:
        return []
    if turn.settings["access"] == "members":
        raise Refuse("not_a_member", "Only members see this room: ask a moderator to make you one.")
    turn.own("followers")[account_id] = turn.now_ms
    return asked


def _left(turn: Turn, asked: list[str]) -> list[str]:
    members, followers = turn.own("members"), turn.own("followers")
    changed = [account_id for account_id in asked if account_id in members or account_id in followers]
    for account_id in changed:
        members.pop(account_id, None)
        followers.pop(account_id, None)
    return changed
