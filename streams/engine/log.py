"""Keeps the engine's own topics in the history, so that a trace passes through timers without a gap."""

from __future__ import annotations

from typing import Any

from schemas.event import Event
from schemas.history import LOG_EVENTS_DDL, log_row
from streams.engine.agents import projector


@projector("log.engine.timer.requests", ddl=LOG_EVENTS_DDL)
def log_rows(event: Event) -> list[dict[str, Any]]:
    """One row for each timer set or cancelled."""
    return [{**log_row(event)}]
