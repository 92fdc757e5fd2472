"""The media domain, told without Kafka: who decides, who shows, who keeps.

An asset's decider hears what gateways ask, what workers report and what its timer reminds it of. What it
says fills the library; what it asks for is done by `workers.py`, and how far that has got is shown beside
the library. Everything that anybody said is kept for the log page.
"""

from __future__ import annotations

from typing import Any

from schemas.history import LOG_EVENTS_DDL, log_row
from streams.engine import Event, Op, Out, decider, projector
from streams.media import projections, rules


@decider("media.asset")
def asset(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """The life of an asset."""
    return rules.decide(state, event)


@projector("media.library")
def library(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """Assets as the library shows them."""
    return projections.library(state, event)


@projector("media.progress")
def progress(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """Who works on what."""
    return projections.progress(state, event)


@projector("log.media.asset.requests", ddl=LOG_EVENTS_DDL)
@projector("log.media.asset.events", ddl=LOG_EVENTS_DDL)
@projector("log.media.work.requests", ddl=LOG_EVENTS_DDL)
@projector("log.media.work.events", ddl=LOG_EVENTS_DDL)
def log_rows(event: Event) -> list[dict[str, Any]]:
    """One row for everything that was said."""
    return [{**log_row(event)}]
