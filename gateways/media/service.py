"""The streaming service: films in, films out, and the pages."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from gateways.core.app import Service
from gateways.core.locks import RedisLocks
from gateways.core.platform import Platform
from gateways.core.sessions import Tokens
from gateways.media.context import MEDIA, Media, UploadLimits
from gateways.media.delivered import Delivered
from gateways.media.history import LogHistory
from gateways.media.log import HISTORY, TAILS
from gateways.media.routes import ROUTES
from gateways.media.tail import Tails
from gateways.media.upload import make_room
from schemas.media.views import LIBRARY, PROGRESS
from streams.core.objects import ObjectStoreUnavailable
from streams.core.sealing import Sealer

DRAIN_BACKGROUND_S: Final = 1.0


async def build(platform: Platform) -> Service:
    """The service with the process's clients."""
    settings = platform.settings
    return streaming(
        Media(
            producer=platform.producer("streaming"),
            objects=platform.objects(),
            projections=await platform.projections(),
            hub=await platform.hub(),
            history=platform.history(),
            locks=RedisLocks(platform.redis()),
            tokens=Tokens(settings.session_secret.get_secret_value()),
            sealer=Sealer(platform.vault()),
            library=platform.projection(LIBRARY),
            progress=platform.projection(PROGRESS),
            delivered=Delivered(platform.producer("streaming"), platform.viewing(), platform.countries()),
            limits=UploadLimits(max_bytes=settings.max_upload_bytes),
        )
    )


SERVICE: Final = Service(
    name="streaming",
    about="It takes films in, gives them out and serves the pages.",
    pages=True,
    needs=("kafka", "redis", "clickhouse", "objects"),
    routes=ROUTES,
    build=build,
    errors={
        ObjectStoreUnavailable: ("unavailable", "The object store does not answer; try again in a moment."),
    },
)


def streaming(media: Media) -> Service:
    """The service with everything its handlers work with."""

    def prepare(app: web.Application) -> None:
        app[MEDIA] = media
        app[HISTORY] = LogHistory(media.history, media.projections, media.log_table)
        app[TAILS] = Tails(app[HISTORY], media.log_poll_s)
        make_room(app, media.limits.concurrent)

    async def finish(_: web.Application) -> AsyncIterator[None]:
        if media.delivered is not None:
            media.background.start(media.delivered.run(), "tell analytics what was delivered")
        yield
        if media.delivered is not None:
            media.delivered.close()
        await media.background.finish(DRAIN_BACKGROUND_S)

    return dataclasses.replace(SERVICE, prepare=prepare, contexts=(finish,))
