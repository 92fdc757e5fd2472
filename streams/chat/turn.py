"""One decision in the making: a state that may be changed, and what is said on the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.chat.views import EVENTS, MOST_RECENT
from schemas.event import Event
from streams.chat.state import MOST_GONE, Recent, State
from streams.engine import Out, Refuse


class Turn:
    """A copy of the state (the given one stays as it was) and the outputs so far, in order.

    The copy is shallow: `own` gives a part of it that may be changed.
    """

    def __init__(self, state: State, event: Event) -> None:
        self.state: State = state.copy()
        self.room_id = event.key
        self.event = event
        self.now_ms = event.at_ms
        self.outs: list[Out] = []
        self._owned: set[str] = set()

    @property
    def settings(self) -> dict[str, Any]:
        return self.state["settings"]  # type: ignore[return-value]  # read by names that are data

    @property
    def recent(self) -> dict[str, Recent]:
        """Messages that can be edited. For reading: `own` it to change it."""
        return self.state["recent"]

    def own(self, part: str) -> Any:
        """A part of the state, copied once: a dict or list whose entries are replaced, never changed."""
        if part not in self._owned:
            self._owned.add(part)
            self.state[part] = self.state[part].copy()  # type: ignore[literal-required]
        return self.state[part]  # type: ignore[literal-required]

    def say(self, name: str, **data: Any) -> None:
        """An event about the room, as `kinolog.chat.<name>`."""
        full = {"room_id": self.room_id, **data}
        self.outs.append(Out(EVENTS, self.room_id, f"kinolog.chat.{name}", full))

    def refuse(self, code: str, detail: str) -> None:
        """The answer to a request that was turned down, where something else has to be said besides."""
        data = {"request_id": self.event.id, "request_type": self.event.type, "code": code, "detail": detail}
        self.outs.append(Out(EVENTS, self.room_id, "kinolog.engine.RequestRefused", data))

    # --- who may

    def moderates(self, actor_id: str, privileged: bool) -> bool:
        """Whether the actor may moderate this room."""
        return self.owns(actor_id, privileged) or actor_id in self.state["moderators"]

    def owns(self, actor_id: str, privileged: bool) -> bool:
        """Whether the actor may say who moderates this room."""
        return privileged or actor_id == self.state["owner_id"]

    def must_moderate(self, data: dict[str, Any]) -> None:
        """Raises Refuse unless the request's actor may moderate this room."""
        if not self.moderates(data["actor_id"], data["privileged"]):
            raise Refuse("not_a_moderator", "Only moderators of this room may do this: ask one of them.")

    def must_not_be_archived(self) -> None:
        """Raises Refuse where nothing new is taken."""
        if self.settings["archived"]:
            remedy = "nothing can be written until a moderator opens it again"
            raise Refuse("room_archived", f"The room is archived: {remedy}.")

    def must_not_be_gone(self, message_id: str) -> None:
        """Raises Refuse about a message that was removed while the request was under way."""
        if message_id in self.state["gone"]:
            raise Refuse("message_removed", "This message was removed: nothing can be done with it any more.")

    # --- messages

    def remember(self, message_id: str, entry: Recent) -> None:
        """It was touched last; the oldest of too many is forgotten."""
        recent = self.own("recent")
        recent.pop(message_id, None)
        recent[message_id] = entry
        bounded(recent, MOST_RECENT)

    def forget(self, message_ids: Iterable[str]) -> None:
        """They are out of sight: nothing more can be done with them."""
        recent, reports, gone = self.own("recent"), self.own("reports"), self.own("gone")
        for message_id in message_ids:
            recent.pop(message_id, None)
            reports.pop(message_id, None)
            gone.pop(message_id, None)
            gone[message_id] = None
            if message_id in self.state["pinned"]:
                self.own("pinned").remove(message_id)
        bounded(gone, MOST_GONE)


def bounded(entries: dict[str, Any], most: int) -> None:
    """Forget the oldest entries beyond `most`."""
    for _ in range(len(entries) - most):
        del entries[next(iter(entries))]
