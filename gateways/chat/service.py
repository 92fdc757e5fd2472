"""The chat service: rooms, their messages and their moderation, over a WebSocket and over HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from gateways.chat.acks import Acks
from gateways.chat.context import CHAT, Chat
from gateways.chat.feeds import Feeds
from gateways.chat.hashes import Hashes
from gateways.chat.opening import Opener
from gateways.chat.people import People
from gateways.chat.routes import ROUTES
from gateways.core.app import Service
from gateways.core.gate import limiter_of
from gateways.core.platform import Platform
from schemas.chat.views import DESK, ROOMS
from schemas.identity.views import ACCOUNTS
from schemas.media.views import LIBRARY
from streams.core.sealing import Sealer


async def build(platform: Platform) -> Service:
    """The service with the process's clients."""
    reader, hub, redis = await platform.projections(), await platform.hub(), platform.redis()
    sealer, rooms = Sealer(platform.vault()), platform.projection(ROOMS)
    people = People(reader, platform.projection(ACCOUNTS), sealer)
    acks = Acks(reader, rooms)
    return chat_service(
        Chat(
            producer=platform.producer("chat"),
            projections=reader,
            redis=redis,
            history=platform.history(),
            sealer=sealer,
            people=people,
            feeds=Feeds(reader, rooms, redis, hub, Opener(sealer, people), acks.arrived),
            acks=acks,
            hashes=Hashes(platform.settings.session_secret.get_secret_value().encode()),
            limiter=limiter_of(platform),
            rooms=rooms,
            desk=platform.projection(DESK),
            library=platform.projection(LIBRARY),
        )
    )


SERVICE: Final = Service(
    name="chat",
    about="It carries the chat beside a film, live and replayed, and what its moderators need.",
    needs=("kafka", "redis", "clickhouse", "vault"),
    routes=ROUTES,
    build=build,
)


def chat_service(chat: Chat) -> Service:
    """The service with everything its handlers work with."""

    def prepare(app: web.Application) -> None:
        app[CHAT] = chat

    async def running(_: web.Application) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(chat.feeds.run()), asyncio.create_task(chat.acks.run())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return dataclasses.replace(SERVICE, prepare=prepare, contexts=(running,))
