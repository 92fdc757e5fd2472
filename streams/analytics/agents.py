"""The analytics domain, told without Kafka: who measures, who counts, who shows.

A session's decider makes its measure of what players report. Measures become rows (`views`) and who watches
now (`live`); reports themselves are kept (`beats`), bytes counted (`delivery`). How films come to be is
counted from the media domain's own events (`assets`).
"""

from __future__ import annotations

from typing import Any

from schemas.analytics.facts import BEATS_DDL, DELIVERY_DDL, STEPS_DDL
from schemas.analytics.tables import VIEWS_DDL
from schemas.analytics.views import BEATS_REPORTED, SEGMENTS_SERVED, VIEW_MEASURED
from streams.analytics import projections, rules
from streams.engine import Event, Op, Out, decider, projector


@decider("analytics.view")
def view(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """What a playback session measures by now."""
    return rules.decide(state, event)


@projector("analytics.live")
def live(_: Any, event: Event) -> tuple[None, list[Op]]:
    """Who watches now."""
    return None, projections.live(event)


@projector("analytics.views", ddl=VIEWS_DDL, types=(VIEW_MEASURED,))
def views(event: Event) -> list[dict[str, Any]]:
    """A row a session."""
    return projections.views(event)


@projector("analytics.beats", ddl=BEATS_DDL, types=(BEATS_REPORTED,))
def beats(event: Event) -> list[dict[str, Any]]:
    """A row a report, as it came."""
    return projections.beats(event)


@projector("analytics.delivery", ddl=DELIVERY_DDL, types=(SEGMENTS_SERVED,))
def delivery(event: Event) -> list[dict[str, Any]]:
    """A row for each rendition of what the streaming gateway sent."""
    return projections.delivery(event)


@projector("analytics.assets", ddl=STEPS_DDL)
def assets(event: Event) -> list[dict[str, Any]]:
    """A row for each step of a film."""
    return projections.assets(event)


@projector("analytics.licences", ddl=STEPS_DDL)
def licences(event: Event) -> list[dict[str, Any]]:
    """Rows for each licence that was asked for."""
    return projections.licences(event)
