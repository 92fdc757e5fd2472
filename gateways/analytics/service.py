"""Playback analytics: what players report goes in here, and what became of it is asked here."""

from __future__ import annotations

import dataclasses
from typing import Final

from aiohttp import web

from gateways.analytics.films import Films
from gateways.analytics.intake import INTAKE, Intake
from gateways.analytics.question_routes import QUESTION_ROUTES
from gateways.analytics.reading import READING, Reading, reading_on
from gateways.analytics.routes import INTAKE_ROUTES
from gateways.core.app import Service
from gateways.core.clickhouse import HistoryUnavailable
from gateways.core.devices import device_of
from gateways.core.platform import Platform
from schemas.media.views import LIBRARY


async def build(platform: Platform) -> Service:
    """The service with the process's clients."""
    device_of("")  # its rules are read at the first use, which takes a while
    return analytics(
        Intake(
            producer=platform.producer("analytics"),
            films=Films(await platform.projections(), platform.projection(LIBRARY)),
            viewing=platform.viewing(),
            countries=platform.countries(),
        ),
        await reading_on(platform),
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


def analytics(intake: Intake, reading: Reading | None = None) -> Service:
    """The service with everything its handlers work with; without `reading` nobody can ask."""

    def prepare(app: web.Application) -> None:
        app[INTAKE] = intake
        if reading is not None:
            app[READING] = reading

    return dataclasses.replace(SERVICE, prepare=prepare)
