"""Keeps what was said in the history, for the log page and for questions in SQL (`schemas.history`)."""

from __future__ import annotations

from typing import Any

from schemas.event import Event
from schemas.history import LOG_EVENTS_DDL, log_row
from streams.engine.agents import projector


@projector("log.engine.timer.requests", ddl=LOG_EVENTS_DDL)
@projector("log.media.asset.requests", ddl=LOG_EVENTS_DDL)
@projector("log.media.asset.events", ddl=LOG_EVENTS_DDL)
@projector("log.media.work.requests", ddl=LOG_EVENTS_DDL)
@projector("log.media.work.events", ddl=LOG_EVENTS_DDL)
@projector("log.media.owner.requests", ddl=LOG_EVENTS_DDL)
@projector("log.media.owner.events", ddl=LOG_EVENTS_DDL)
@projector("log.identity.account.requests", ddl=LOG_EVENTS_DDL)
@projector("log.identity.account.events", ddl=LOG_EVENTS_DDL)
@projector("log.identity.address.requests", ddl=LOG_EVENTS_DDL)
@projector("log.identity.address.events", ddl=LOG_EVENTS_DDL)
@projector("log.identity.signing.requests", ddl=LOG_EVENTS_DDL)
@projector("log.identity.signing.events", ddl=LOG_EVENTS_DDL)
@projector("log.identity.work.requests", ddl=LOG_EVENTS_DDL)
@projector("log.chat.room.requests", ddl=LOG_EVENTS_DDL)
@projector("log.chat.room.events", ddl=LOG_EVENTS_DDL)
@projector("log.drm.account.requests", ddl=LOG_EVENTS_DDL)
@projector("log.drm.account.events", ddl=LOG_EVENTS_DDL)
@projector("log.drm.key.requests", ddl=LOG_EVENTS_DDL)
@projector("log.drm.policy.requests", ddl=LOG_EVENTS_DDL)
@projector("log.drm.policy.events", ddl=LOG_EVENTS_DDL)
@projector("log.drm.asset.requests", ddl=LOG_EVENTS_DDL)
@projector("log.drm.asset.events", ddl=LOG_EVENTS_DDL)
@projector("log.chat.account.requests", ddl=LOG_EVENTS_DDL)
@projector("log.chat.account.events", ddl=LOG_EVENTS_DDL)
def log_rows(event: Event) -> list[dict[str, Any]]:
    """One row for everything that was said."""
    return [{**log_row(event)}]
