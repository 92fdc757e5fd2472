"""Reactions that gateways gathered, counted for ever. Pure."""

from __future__ import annotations

from typing import Any, Final

from schemas.chat.views import MOST_REACTIONS
from streams.chat.turn import Turn
from streams.engine import Refuse

MOST_CHARS: Final = 16
MOST_AT_ONCE: Final = 100_000


def reactions_given(turn: Turn, data: dict[str, Any]) -> None:
    """Totals of a message, or of the room, grow. A message can be reacted to while it can be edited."""
    turn.must_not_be_archived()
    message_id, counts = data["message_id"], data["counts"]
    if not counts or any(
        not 0 < len(reaction) <= MOST_CHARS or not 0 < count <= MOST_AT_ONCE
        for reaction, count in counts.items()
    ):
        raise Refuse("bad_reactions", f"counts: expected reactions with a number of 1 to {MOST_AT_ONCE}.")
    if message_id is None:
        totals = turn.state["reactions"] = _added(turn.state["reactions"], counts)
    else:
        entry = turn.recent.get(message_id)
        if entry is None or entry.get("shadow"):
            raise Refuse("message_unknown", "There is no such message, or it is too old to be reacted to.")
        totals = _added(entry.get("reactions", {}), counts)
        # It keeps its place: a reaction is no new text that would have to be found again.
        turn.own("recent")[message_id] = {**entry, "reactions": totals}
    turn.say("ReactionsCounted", message_id=message_id, counts=counts, totals=totals)


def _added(before: dict[str, int], counts: dict[str, int]) -> dict[str, int]:
    totals = {**before}
    for reaction in sorted(counts):
        if reaction not in totals and len(totals) >= MOST_REACTIONS:
            raise Refuse("too_many_reactions", f"At most {MOST_REACTIONS} different reactions are counted.")
        totals[reaction] = totals.get(reaction, 0) + counts[reaction]
    return totals
