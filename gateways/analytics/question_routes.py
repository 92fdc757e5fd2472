"""The routes of the analytics service that answer questions."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from gateways.analytics.metrics import Metrics, MetricsQuery, metrics
from gateways.core.permissions import ANALYTICS_READ
from gateways.core.routes import Handler, Route


def _question(path: str, handler: Handler, summary: str, response: type[BaseModel], **more: Any) -> Route:
    return Route(
        method="GET", path=path, handler=handler, permission=ANALYTICS_READ, owned=True, summary=summary,
        response=response, problems=("malformed-request", "unavailable"), tag="questions", **more,
    )  # fmt: skip


QUESTION_ROUTES: Final[tuple[Route, ...]] = (
    _question("/v1/metrics", metrics, "Measures of playback sessions, grouped", Metrics, query=MetricsQuery),
)
