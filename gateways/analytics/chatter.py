"""`GET /v1/videos/{asset_id}/chat`: how much is said in a film's chat, along the film."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateways.analytics.reading import Reading, reading_of
from gateways.core.endpoint import json_response, query_of
from gateways.core.owning import require_owner
from schemas.chat.history import along_sql
from schemas.chat.views import MESSAGES, room_id_of_asset
from schemas.media.visibility import owner_of

MOST_POINTS: Final = 7200


class ChatterQuery(BaseModel):
    """How fine the film is cut."""

    model_config = ConfigDict(extra="forbid")

    step_ms: int = Field(10_000, ge=1000, le=3_600_000)


class Chatter(BaseModel):
    """A number for each `step_ms` of the film up to the last that anything was said in."""

    step_ms: int
    messages: list[int]
    people: list[int] = Field(description="different authors of them")
    total: int
    as_of_ms: int


async def chatter(request: web.Request) -> web.Response:
    """Of everything that the room still shows."""
    reading, asset_id = reading_of(request), request.match_info["asset_id"]
    step_ms = query_of(request, ChatterQuery).step_ms
    document = await (await reading.projections.pin(reading.library)).get(asset_id)
    require_owner(request, None if document is None else owner_of(document))
    asked = ["chatter", asset_id, step_ms]
    return json_response(await reading.shared.answer(asked, lambda: _find(reading, asset_id, step_ms)))


async def _find(reading: Reading, asset_id: str, step_ms: int) -> dict[str, Any]:
    sql = along_sql("{messages}")
    rows = await reading.rows(
        sql, {"room": room_id_of_asset(asset_id), "step_ms": step_ms}, messages=MESSAGES
    )
    found = {row["step"]: row for row in rows if row["step"] < MOST_POINTS}
    steps = range(max(found, default=-1) + 1)
    return {
        "step_ms": step_ms,
        "messages": [found[step]["messages"] if step in found else 0 for step in steps],
        "people": [found[step]["people"] if step in found else 0 for step in steps],
        "total": sum(row["messages"] for row in rows),
    }
