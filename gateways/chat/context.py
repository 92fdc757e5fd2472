"""What the chat service's handlers work with, put into the app once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from gateways.chat.acks import Acks
from gateways.chat.desks import Desks
from gateways.chat.feeds import Feeds
from gateways.chat.forgetting import Forgetting
from gateways.chat.hashes import Hashes
from gateways.chat.live import Live
from gateways.chat.opening import Opener
from gateways.chat.reactions import Reactions
from gateways.chat.room_rules import RoomRules
from gateways.chat.sanctions import Sanctions
from gateways.chat.titles import RoomTexts
from gateways.chat.turns import Turns
from gateways.core.deps import History, Producer
from gateways.core.gcra import Local
from gateways.core.limits import Limiter
from gateways.core.projections import Projection, ProjectionReader
from streams.core.sealing import Sealer

SERVICE_NAME: Final = "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Everything the handlers use. `clock` gives seconds since 1970."""

    producer: Producer
    projections: ProjectionReader
    redis: Any
    history: History
    sealer: Sealer
    texts: RoomTexts
    opener: Opener
    feeds: Feeds
    forgetting: Forgetting
    live: Live
    desks: Desks
    room_rules: RoomRules
    sanctions: Sanctions
    reactions: Reactions
    acks: Acks
    hashes: Hashes
    limiter: Limiter
    pace: Local = field(default_factory=Local)
    turns: Turns = field(default_factory=Turns)
    rooms: Projection
    desk: Projection
    accounts: Projection
    library: Projection
    foreign: bool = False
    """People of other issuers can sign in: they own and moderate rooms, without an account here."""
    clock: Callable[[], float] = time.time

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock() * 1000)


CHAT = web.AppKey("chat", Chat)


def chat_of(request: web.Request) -> Chat:
    """The Chat of the app that is asked."""
    return request.app[CHAT]
