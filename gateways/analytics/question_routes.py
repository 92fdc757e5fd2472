"""The routes of the analytics service that answer questions."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from gateways.analytics.chatter import Chatter, ChatterQuery, chatter
from gateways.analytics.concurrency import Concurrency, ConcurrencyQuery, concurrency
from gateways.analytics.delivery import Delivery, DeliveryQuery, delivery
from gateways.analytics.filters import Filters
from gateways.analytics.funnels import Funnel, funnel
from gateways.analytics.live_socket import follow
from gateways.analytics.metrics import Metrics, MetricsQuery, metrics
from gateways.analytics.retention import Retention, retention
from gateways.analytics.sessions import Inspected, SessionPage, SessionsQuery, inspect, sessions
from gateways.analytics.startup import Startup, startup
from gateways.analytics.system import System, system
from gateways.core.gated import gated
from gateways.core.permissions import ANALYTICS_READ
from gateways.core.routes import Handler, Route


def _question(path: str, handler: Handler, summary: str, response: type[BaseModel], **more: Any) -> Route:
    return Route(
        method="GET", path=path, handler=handler, permission=ANALYTICS_READ, summary=summary,
        response=response, problems=("malformed-request", "not-found", "unavailable"), tag="questions",
        **{"owned": True, **more},
    )  # fmt: skip


_VIDEO: Final = "/v1/videos/{asset_id}"
QUESTION_ROUTES: Final[tuple[Route, ...]] = (
    _question(
        "/v1/metrics", metrics, "Measures of playback sessions, grouped", Metrics, query=MetricsQuery,
        other_types=("text/csv",),
    ),
    _question(f"{_VIDEO}/retention", retention, "How often each second was played", Retention, query=Filters),
    _question(f"{_VIDEO}/chat", chatter, "How much is said along a film", Chatter, query=ChatterQuery),
    _question("/v1/startup", startup, "How long first frames take", Startup, query=Filters),
    _question(
        "/v1/concurrency", concurrency, "How many watch at the same time", Concurrency, query=ConcurrencyQuery
    ),
    _question("/v1/funnels/{funnel}", funnel, "How many go how far", Funnel, query=Filters),
    _question(
        "/v1/delivery", delivery, "Bytes that were sent", Delivery, query=DeliveryQuery,
        other_types=("text/csv",),
    ),
    _question("/v1/views", sessions, "Playback sessions, the newest first", SessionPage, query=SessionsQuery),
    _question("/v1/views/{view_id}", inspect, "One playback session, and why it counts", Inspected),
    Route(
        method="GET", path="/v1/live", handler=gated(follow), permission=ANALYTICS_READ, owned=True,
        summary="Who watches now, once a second (WebSocket)", status=101, timeout_s=None, socket=True,
        problems=("malformed-request", "overloaded"), tag="live",
    ),
    _question("/v1/system", system, "Whether everything is up to date", System, owned=False),
)  # fmt: skip
