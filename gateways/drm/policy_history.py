"""All versions of a policy, as the log has them: who wrote each, when, and what it says."""

from __future__ import annotations

from typing import Final

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateways.core.endpoint import json_response, query_of
from gateways.core.owning import let_in
from gateways.core.permissions import DRM_READ
from gateways.core.principal import principal_of
from gateways.drm.licensing import LICENSING
from gateways.drm.policies import PolicyRules, rules_of
from schemas.drm.events import POLICY_CHANGED
from schemas.drm.views import POLICY_EVENTS
from schemas.history import LOG_EVENTS
from schemas.keys import table_of

_NEWEST: Final = 2**31


class VersionsQuery(BaseModel):
    """Which versions; the newest come first."""

    model_config = ConfigDict(extra="forbid")
    before: int = Field(_NEWEST, ge=1, le=_NEWEST, description="older ones than this version")
    limit: int = Field(20, ge=1, le=100)


class PolicyVersion(BaseModel):
    """What the policy said from then on."""

    version: int
    rules: PolicyRules
    changed_at_ms: int
    actor: str | None = Field(description="who wrote it; null: not for the caller")


class PolicyVersions(BaseModel):
    """A page of them."""

    items: list[PolicyVersion]
    next_before: int | None = Field(description="`before` of the next page; null on the last one")


async def versions(request: web.Request) -> web.Response:
    """From ClickHouse, a moment behind; of a policy that nobody has changed there are none. Owners of films
    see what a policy said, operators also who wrote it."""
    let_in(request)
    licensing, query = request.app[LICENSING], query_of(request, VersionsQuery)
    table = table_of(LOG_EVENTS, await licensing.projections.version(LOG_EVENTS))
    rows = await licensing.history.query(
        "SELECT toUInt32(JSONExtractUInt(data, 'version')) AS version, at_ms, data "  # noqa: S608  # our own name
        f"FROM {table} WHERE topic = {{topic:String}} AND type = {{type:String}} "
        "AND key = {key:String} AND version < {before:UInt32} "
        "ORDER BY version DESC LIMIT 1 BY version LIMIT {limit:UInt32}",
        {
            "topic": POLICY_EVENTS, "type": POLICY_CHANGED, "key": request.match_info["policy_id"],
            "before": query.before, "limit": query.limit + 1,
        },
    )  # fmt: skip
    told = principal_of(request).may(DRM_READ)
    items = []
    for row in rows[: query.limit]:
        said = orjson.loads(row["data"])
        items.append(
            PolicyVersion(
                version=int(row["version"]), rules=rules_of(said["rules"]), changed_at_ms=int(row["at_ms"]),
                actor=str(said["actor"]) if told else None,
            )
        )  # fmt: skip
    more = len(rows) > query.limit
    return json_response(PolicyVersions(items=items, next_before=items[-1].version if more else None))
