"""Playback analytics: what players report goes in here."""

from __future__ import annotations

import dataclasses
from typing import Final

from aiohttp import web

from gateways.analytics.films import Films
from gateways.analytics.intake import INTAKE, Intake
from gateways.analytics.routes import INTAKE_ROUTES
from gateways.core.app import Service
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
        )
    )


SERVICE: Final = Service(
    name="analytics",
    about="It counts what is watched, and how well it played: players report here.",
    called_from=("streaming",),
    needs=("kafka", "redis"),
    routes=INTAKE_ROUTES,
    build=build,
)


def analytics(intake: Intake) -> Service:
    """The service with everything its handlers work with."""

    def prepare(app: web.Application) -> None:
        app[INTAKE] = intake

    return dataclasses.replace(SERVICE, prepare=prepare)
