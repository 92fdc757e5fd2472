"""The life of a room: every decision about what may be said in it, and by whom. Pure.

`decide` is a fold over requests. Texts come sealed and screened: what a gateway found in a text stands in its
request, so that the same log is decided alike for ever, whoever was erased meanwhile. Who may do what, and
what the room remembers of its visitors, is decided here; each file beside this one holds one kind of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.chat.screening import DEFAULT_RULES
from schemas.event import Event
from streams.chat import messages, moderation, people, reactions, review, settings
from streams.chat.state import State
from streams.chat.turn import Turn
from streams.engine import Out, Refuse


def decide(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """The room's new state and what is to be said. Raises Refuse for what cannot be."""
    if event.type == "kinolog.chat.RoomRequested":
        return _open(state, event)
    if state is None:
        raise Refuse("room_unknown", "There is no such room: POST /v1/rooms makes one.")
    turn = Turn(state, event)
    _RULES[event.type](turn, event.data)
    return turn.state, turn.outs


def _open(state: State | None, event: Event) -> tuple[State, list[Out]]:
    if state is not None:
        raise Refuse("room_exists", "The room is there already: use it.")
    data = event.data
    settings.check(data["settings"])
    limits = settings.limits_of(DEFAULT_RULES, 0)
    new: State = {
        "owner_id": data["owner_id"],
        "settings": data["settings"],
        "limits": limits,
        "moderators": [],
        "members": {},
        "followers": {},
        "sanctions": {},
        "recent": {},
        "held": {},
        "reports": {},
        "pinned": [],
        "gone": {},
        "reactions": {},
        "speakers": {},
        "greeted": {},
    }
    turn = Turn(new, event)
    turn.say(
        "RoomCreated",
        asset_id=data["asset_id"],
        owner_id=data["owner_id"],
        actor_id=data["actor_id"],
        settings=data["settings"],
    )
    return turn.state, turn.outs


_RULES: Final[dict[str, Callable[[Turn, dict[str, Any]], None]]] = {
    "kinolog.chat.RoomChangeRequested": settings.room_change_requested,
    "kinolog.chat.ScreeningChangeRequested": settings.screening_change_requested,
    "kinolog.chat.MessageSubmitted": messages.message_submitted,
    "kinolog.chat.EditRequested": messages.edit_requested,
    "kinolog.chat.RemovalRequested": moderation.removal_requested,
    "kinolog.chat.PurgeRequested": moderation.purge_requested,
    "kinolog.chat.PinRequested": moderation.pin_requested,
    "kinolog.chat.SanctionRequested": moderation.sanction_requested,
    "kinolog.chat.ReactionsGiven": reactions.reactions_given,
    "kinolog.chat.ReportSubmitted": review.report_submitted,
    "kinolog.chat.ReviewDecided": review.review_decided,
    "kinolog.chat.ModeratorChangeRequested": people.moderator_change_requested,
    "kinolog.chat.MembersChangeRequested": people.members_change_requested,
}
