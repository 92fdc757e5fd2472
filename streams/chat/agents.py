"""The chat domain, told without Kafka: who decides, who shows.

A room's decider hears what gateways ask. What it says is shown to the room's visitors (`rooms`), to its
moderators (`desk`), and kept for ever as rows (`messages`). Whom somebody blocks is theirs, not a room's.
"""

from __future__ import annotations

from typing import Any

from schemas.chat.history import MESSAGES_DDL
from streams.chat import blocks, history, projections, rules
from streams.chat import desk as desk_view
from streams.engine import Event, Op, Out, decider, projector


@decider("chat.room")
def room(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """The life of a room, and all that may be said in it."""
    return rules.decide(state, event)


@projector("chat.rooms")
def rooms(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """Rooms as their visitors see them, and their newest deltas."""
    return projections.rooms(state, event)


@projector("chat.desk")
def desk(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """What waits for a room's moderators, and what they have laid down."""
    return desk_view.desk(state, event)


@decider("chat.account")
def account(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """Whom somebody blocks."""
    return blocks.decide(state, event)


@projector("chat.accounts")
def accounts(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """Whom somebody blocks, for whoever shows them messages."""
    return blocks.accounts(state, event)


@projector("chat.messages", ddl=MESSAGES_DDL)
def messages(event: Event) -> list[dict[str, Any]]:
    """A row for each message that an event touches, and for each sanction."""
    return history.rows(event)
