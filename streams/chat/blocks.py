"""Whom somebody wants to read nothing of: their own list, for every room. Pure.

It hides and forbids nothing: whoever shows messages to the list's owner leaves out those of blocked accounts.
"""

from __future__ import annotations

from schemas.chat.views import BLOCK_EVENTS, MOST_BLOCKED, BlocksDocument
from schemas.event import Event
from streams.engine import Op, Out, Refuse


def decide(state: BlocksDocument | None, event: Event) -> tuple[BlocksDocument | None, list[Out]]:
    """The new list; None when it is empty. Raises Refuse for what is so already, and for too many."""
    blocked_id, block = event.data["blocked_id"], event.data["blocked"]
    before = state["blocked_ids"] if state is not None else []
    if blocked_id == event.key:
        raise Refuse("own_account", "Nobody can block themselves: choose another account.")
    if (blocked_id in before) == block:
        raise Refuse("nothing_to_change", "It is so already: nothing is left to do.")
    if block and len(before) >= MOST_BLOCKED:
        raise Refuse("too_many_blocked", f"At most {MOST_BLOCKED} accounts are blocked: unblock one first.")
    after = [*before, blocked_id] if block else [each for each in before if each != blocked_id]
    data = {"account_id": event.key, "blocked_ids": after}
    said = Out(BLOCK_EVENTS, event.key, "kinolog.chat.BlocksChanged", data)
    return {"blocked_ids": after} if after else None, [said]


def accounts(_: BlocksDocument | None, event: Event) -> tuple[BlocksDocument | None, list[Op]]:
    """One account's list after an event of chat.account.events; None when it is empty."""
    blocked_ids = event.data["blocked_ids"]
    return {"blocked_ids": blocked_ids} if blocked_ids else None, []
