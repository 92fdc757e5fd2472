"""Every licence that was granted or denied, with the reason; for operators, and for owners of their films."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateways.core import cursors
from gateways.core.endpoint import json_response, query_of
from gateways.core.owning import require_owner
from gateways.drm.licensing import LICENSING
from schemas.drm.history import LICENCES
from schemas.keys import table_of
from schemas.media.visibility import owner_of

_COLUMNS: Final = (
    "licence_id", "at_ms", "asked_at_ms", "account_id", "asset_id", "device_id", "stream_id", "system",
    "outcome", "code", "detail", "streams", "devices", "kids", "policy_id", "policy_version", "country",
    "geo_db", "offline", "expires_at_ms",
)  # fmt: skip


class LogQuery(BaseModel):
    """Which licences; the newest come first."""

    model_config = ConfigDict(extra="forbid")
    asset_id: str = Field("", max_length=64)
    account_id: str = Field("", max_length=64)
    device_id: str = Field("", max_length=64)
    outcome: Literal["", "granted", "denied"] = ""
    code: str = Field("", max_length=64, description="why it was denied")
    since_ms: int = Field(0, ge=0, le=cursors.LARGEST)
    until_ms: int = Field(cursors.LARGEST, ge=0, le=cursors.LARGEST)
    cursor: str = Field("", max_length=300)
    limit: int = Field(50, ge=1, le=200)


class LoggedLicence(BaseModel):
    """One that was granted or denied."""

    licence_id: str
    at_ms: int = Field(description="when it was decided")
    asked_at_ms: int
    account_id: str = Field(description="guest:<device_id> of who had not signed in")
    asset_id: str
    device_id: str
    stream_id: str
    system: str
    outcome: Literal["granted", "denied"]
    code: str = Field(description="why it was denied; empty: granted")
    detail: str = Field(description="the same in a sentence")
    streams: list[str] = Field(description="that were in the way")
    devices: list[str]
    kids: list[str] = Field(description="ids of the keys that may leave")
    policy_id: str = Field(description="empty: the default")
    policy_version: int
    country: str = Field(description="empty: unknown")
    geo_db: str
    offline: bool
    expires_at_ms: int | None = Field(description="null: with the player's session")


class LicenceLog(BaseModel):
    """A page."""

    items: list[LoggedLicence]
    next_cursor: str | None


async def show(request: web.Request) -> web.Response:
    """From ClickHouse, a moment behind. Who is an owner only names the film; Problem 403 otherwise."""
    licensing, query = request.app[LICENSING], query_of(request, LogQuery)
    asset = await (await licensing.projections.pin(licensing.library)).get(query.asset_id)
    require_owner(request, owner_of(asset) if asset is not None else None)
    at_ms, last = cursors.decode(query.cursor) if query.cursor else (cursors.LARGEST, "")
    wanted = {
        name: value
        for name in ("asset_id", "account_id", "device_id", "outcome", "code")
        if (value := getattr(query, name))
    }
    where = "".join(f" AND {name} = {{{name}:String}}" for name in wanted)
    table = table_of(LICENCES, await licensing.projections.version(LICENCES))
    rows = await licensing.history.query(
        f"SELECT {', '.join(_COLUMNS)} FROM {table} "  # noqa: S608  # our own names; values are bound
        "WHERE (at_ms, licence_id) < ({at_ms:Int64}, {last:String}) "
        f"AND at_ms >= {{since:Int64}} AND at_ms < {{until:Int64}}{where} "
        "ORDER BY at_ms DESC, licence_id DESC LIMIT 1 BY licence_id LIMIT {limit:UInt32}",
        {
            **wanted, "at_ms": at_ms, "last": last, "since": query.since_ms, "until": query.until_ms,
            "limit": query.limit + 1,
        },
    )  # fmt: skip
    items = [_licence(row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    cursor = cursors.encode(items[-1].at_ms, items[-1].licence_id) if more else None
    return json_response(LicenceLog(items=items, next_cursor=cursor))


def _licence(row: Mapping[str, Any]) -> LoggedLicence:
    return LoggedLicence.model_validate({name: row[name] for name in _COLUMNS})
