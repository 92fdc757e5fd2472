"""The routes of the analytics service that players call."""

from __future__ import annotations

from typing import Final

from gateways.analytics.intake import MOST_BODY_BYTES, take_beats, take_cmcd
from gateways.analytics.models import Report, Taken
from gateways.core.adaptive import Priority
from gateways.core.permissions import PUBLIC
from gateways.core.rates import BEAT
from gateways.core.routes import Route

_ENCODED: Final = (("Content-Encoding", "gzip or deflate, if the body is"),)

INTAKE_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST", path="/v1/beats", handler=take_beats, permission=PUBLIC, status=202,
        summary="Report what a player does", response=Taken, body=Report, raw=True, from_anywhere=True,
        body_types=("application/json", "text/plain"), max_body_bytes=MOST_BODY_BYTES, headers=_ENCODED,
        limits=BEAT, priority=Priority.BEAT, problems=("unavailable",), tag="intake",
    ),
    Route(
        method="POST", path="/v1/cmcd", handler=take_cmcd, permission=PUBLIC, status=202,
        summary="Report what a player does, in CMCD's event mode (CTA-5004-B)", response=Taken, raw=True,
        from_anywhere=True, body_types=("application/cmcd", "text/plain"), max_body_bytes=MOST_BODY_BYTES,
        headers=_ENCODED, limits=BEAT, priority=Priority.BEAT, problems=("unavailable",), tag="intake",
    ),
)  # fmt: skip
