"""The chat service: rooms, their messages and their moderation, over a WebSocket and over HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from gateways.chat.acks import Acks
from gateways.chat.context import CHAT, Chat
from gateways.chat.desks import Desks
from gateways.chat.feeds import Feeds
from gateways.chat.films import Films
from gateways.chat.forgetting import Forgetting
from gateways.chat.hashes import Hashes
from gateways.chat.live import Live
from gateways.chat.opening import Opener
from gateways.chat.people import People
from gateways.chat.presence import Presence
from gateways.chat.reactions import Reactions
from gateways.chat.room_rules import RoomRules
from gateways.chat.routes import ROUTES
from gateways.chat.sanctions import Sanctions
from gateways.chat.titles import RoomTexts
from gateways.core.app import Service
from gateways.core.gate import account_news_of, limiter_of
from gateways.core.platform import Platform
from schemas.chat.views import ACCOUNTS as BLOCKS
from schemas.chat.views import DESK, ROOMS
from schemas.identity.views import ACCOUNTS
from schemas.media.views import LIBRARY
from streams.core.sealing import Sealer


async def build(platform: Platform) -> Service:
    """The service with the process's clients."""
    reader, hub, redis = await platform.projections(), await platform.hub(), platform.redis()
    sealer, rooms = Sealer(platform.vault()), platform.projection(ROOMS)
    accounts, news = platform.projection(ACCOUNTS), await account_news_of(platform)
    people, producer = People(reader, accounts, sealer), platform.producer("chat")
    acks, desk, library = Acks(reader, rooms), platform.projection(DESK), platform.projection(LIBRARY)
    texts, films = RoomTexts(sealer, reader, library, accounts), Films(reader, library, hub)
    opener, room_rules = Opener(sealer, people, texts), RoomRules(reader, desk, redis)
    feeds = Feeds(
        reader, rooms, redis, hub, opener, acks.arrived, films.everybodys, films.follow, films.owned
    )
    return chat_service(
        Chat(
            producer=producer,
            projections=reader,
            redis=redis,
            history=platform.history(),
            sealer=sealer,
            texts=texts,
            opener=opener,
            feeds=feeds,
            forgetting=Forgetting(news, reader, accounts, feeds, people),
            live=Live(Presence(redis, uuid.uuid4().hex), hub, people),
            desks=Desks(reader, desk, rooms, hub, opener, films.owned, room_rules.said),
            room_rules=room_rules,
            sanctions=Sanctions(reader, desk, redis),
            reactions=Reactions(producer),
            acks=acks,
            hashes=Hashes(platform.settings.session_secret.get_secret_value().encode()),
            limiter=limiter_of(platform),
            rooms=rooms,
            desk=desk,
            accounts=platform.projection(BLOCKS),
            library=library,
            foreign=bool(platform.settings.oidc_issuers or platform.settings.jwt_secret.get_secret_value()),
        )
    )


SERVICE: Final = Service(
    name="chat",
    about="It carries the chat beside a film, live and replayed, and what its moderators need.",
    called_from=("streaming",),
    needs=("kafka", "redis", "clickhouse", "vault"),
    routes=ROUTES,
    build=build,
)


def chat_service(chat: Chat) -> Service:
    """The service with everything its handlers work with."""

    def prepare(app: web.Application) -> None:
        app[CHAT] = chat

    async def running(_: web.Application) -> AsyncIterator[None]:
        runs = (chat.feeds.run(), chat.acks.run(), chat.live.run(), chat.forgetting.run())
        tasks = [asyncio.create_task(each) for each in runs]
        yield
        await chat.reactions.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return dataclasses.replace(SERVICE, prepare=prepare, contexts=(running,))
