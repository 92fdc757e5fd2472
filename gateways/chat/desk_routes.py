"""Every route of the chat service that is for a room's moderators."""

from __future__ import annotations

from typing import Any, Final

from gateways.chat import card, crowd, desk_models, models, moderation, rules
from gateways.core.permissions import CHAT_MODERATE
from gateways.core.routes import Route
from schemas.chat.screening import MOST_BYTES

_ROOM: Final = "/v1/rooms/{room_id}"
_ACT: Final = ("not-found", "conflict", "unavailable")
_READ: Final = ("not-found", "unavailable")
_RULES_BYTES: Final = MOST_BYTES + 4096


def _act(method: str, path: str, handler: Any, summary: str, **more: Any) -> Route:
    """A request that a room's decider answers."""
    return Route(
        method=method, path=f"{_ROOM}{path}", handler=handler, permission=CHAT_MODERATE, owned=True,
        summary=summary, problems=_ACT, tag="moderation", **{"response": models.Done, **more},
    )  # fmt: skip


def _read(path: str, handler: Any, summary: str, response: Any, **more: Any) -> Route:
    return Route(
        method="GET", path=f"{_ROOM}{path}", handler=handler, permission=CHAT_MODERATE, owned=True,
        summary=summary, response=response, problems=_READ, tag="moderation", **more,
    )  # fmt: skip


DESK_ROUTES: Final[tuple[Route, ...]] = (
    _act("POST", "/removals", moderation.remove, "Remove messages", body=desk_models.Removal),
    _act("POST", "/purges", moderation.purge, "Remove all that an account wrote", body=desk_models.Purge),
    _act("PUT", "/pins/{message_id}", moderation.pin, "Pin a message"),
    _act("DELETE", "/pins/{message_id}", moderation.unpin, "Unpin a message"),
    _read("/queue", moderation.queue, "What waits for moderators", desk_models.Queue),
    _act("POST", "/queue/decisions", moderation.decide, "Decide on what waits", body=desk_models.Decision),
    _read("/sanctions", moderation.sanctions, "Who may not write, and why", desk_models.Sanctions),
    _act(
        "POST", "/sanctions", moderation.sanction, "Time out, ban or shadow-ban an account, or end that",
        body=models.Sanction,
    ),
    _act("DELETE", "/sanctions/{account_id}", moderation.lift, "Let an account write again"),
    _act("PUT", "/moderators/{account_id}", crowd.add_moderator, "Make an account a moderator"),
    _act("DELETE", "/moderators/{account_id}", crowd.remove_moderator, "Take a moderator's rights"),
    _read("/members", crowd.members, "Members and followers", desk_models.Members),
    _act("PUT", "/members/{account_id}", crowd.add_member, "Make an account a member"),
    _act("DELETE", "/members/{account_id}", crowd.remove_member, "End a membership"),
    _read(
        "/screening", rules.read, "Screening rules", desk_models.Screening, query=desk_models.ScreeningQuery
    ),
    _act(
        "PUT", "/screening", rules.replace, "Replace the screening rules", body=desk_models.ScreeningChange,
        max_body_bytes=_RULES_BYTES,
    ),
    _act(
        "POST", "/screening/trial", rules.trial, "Try rules on what was sent before", body=desk_models.Trial,
        response=desk_models.TrialResult, max_body_bytes=_RULES_BYTES,
    ),
    _read(
        "/accounts/{account_id}", card.read, "What an account wrote in the room, and what became of it",
        desk_models.Card, query=desk_models.CardQuery,
    ),
)  # fmt: skip
