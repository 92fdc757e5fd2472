"""Playback analytics: what players report goes in here, and what became of it is asked here."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from gateways.analytics.films import Films
from gateways.analytics.intake import INTAKE, Intake
from gateways.analytics.live import Live
from gateways.analytics.live_socket import LIVE
from gateways.analytics.live_source import minutes, watched
from gateways.analytics.question_routes import QUESTION_ROUTES
from gateways.analytics.reading import READING, Reading, reading_on
from gateways.analytics.routes import INTAKE_ROUTES
from gateways.analytics.unread import Unread
from gateways.core.app import Service
from gateways.core.clickhouse import HistoryUnavailable
from gateways.core.devices import device_of
from gateways.core.platform import Platform
from schemas.analytics.views import LIVE as LIVE_VIEWS
from schemas.media.views import LIBRARY


async def build(platform: Platform) -> Service:
    """The service with the process's clients."""
    device_of("")  # its rules are read at the first use, which takes a while
    producer = platform.producer("analytics")
    films = Films(await platform.projections(), platform.projection(LIBRARY))
    return analytics(
        Intake(
            producer=producer,
            films=films,
            unread=Unread(films, producer),
            viewing=platform.viewing(),
            countries=platform.countries(),
        ),
        reading := await reading_on(platform),
        live_on(reading, platform),
    )


SERVICE: Final = Service(
    name="analytics",
    about="It counts what is watched, and how well it played: players report here.",
    called_from=("streaming",),
    needs=("kafka", "redis"),  # players report while ClickHouse is away: who asks gets a 503 until it is back
    routes=(*INTAKE_ROUTES, *QUESTION_ROUTES),
    errors={
        HistoryUnavailable: ("unavailable", "ClickHouse does not answer now; try again in a moment."),
    },
    build=build,
)


def live_on(reading: Reading, platform: Platform) -> Live:
    """What dashboards are told, with the process's clients."""
    redis, projection = platform.redis(), platform.projection(LIVE_VIEWS)
    return Live(
        lambda now_ms: watched(reading, redis, projection, now_ms),
        lambda end: minutes(reading, end),
        reading.films,
    )


def analytics(intake: Intake, reading: Reading | None = None, live: Live | None = None) -> Service:
    """The service with everything its handlers work with; without `reading` and `live` nobody can ask."""

    def prepare(app: web.Application) -> None:
        app[INTAKE] = intake
        if reading is not None:
            app[READING] = reading
        if live is not None:
            app[LIVE] = live

    async def running(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(live.run()) if live is not None else None
        yield
        await intake.unread.close()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return dataclasses.replace(SERVICE, prepare=prepare, contexts=(running,))
