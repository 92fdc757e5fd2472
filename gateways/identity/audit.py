"""What privileged people did: their requests on the log, with what became of each.

Which requests those are is `gateways.identity.audit_acts`'s to say. Read from the history (ClickHouse), which
is a moment behind; what became of a request is whatever event it led to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from gateways.core import cursors
from gateways.core.endpoint import json_response, query_of
from gateways.core.principal import principal_of
from gateways.core.reasons import PLATFORM_SUBJECT, REASON
from gateways.core.titles import titles_of
from gateways.identity import present
from gateways.identity.asking import opened
from gateways.identity.audit_acts import ACTOR, ACTS, CONCERNED, OUTCOMES, Result, entry, privileged
from gateways.identity.context import Identity, identity_of
from gateways.identity.models import AuditPage, AuditQuery
from schemas.identity.roles import USERS_READ
from schemas.keys import table_of


async def show(request: web.Request) -> web.Response:
    identity, query = identity_of(request), query_of(request, AuditQuery)
    rows = await _requests(identity, query)
    page = rows[: query.limit]
    results = await _results(identity, [str(row["id"]) for row in page])
    said = [orjson.loads(row["said"]) for row in page]
    reasons = await opened(identity, [_reason(data) for data in said])
    # Titles of rooms are sealed otherwise, and not told.
    films = [(str(data.get("asset_id")), {} if "room_id" in data else data) for data in said]
    titles = await titles_of(identity.sealer, films)
    items = [
        entry(row, data, results.get(str(row["id"]), ("open", None)), reason, title or None)
        for row, data, reason, title in zip(page, said, reasons, titles, strict=True)
    ]
    more = cursors.encode(int(page[-1]["first_ms"]), str(page[-1]["id"])) if len(rows) > len(page) else None
    told = ((item.actor, item.account_id, item.heir_id, *(item.account_ids or ())) for item in items)
    concerned = {id for ids in told for id in ids if id}
    may_see = principal_of(request).may(USERS_READ)
    names = await present.called(identity, sorted(concerned)) if may_see else {}
    return json_response(AuditPage(items=items, names=names, next_cursor=more))


async def _requests(identity: Identity, query: AuditQuery) -> Sequence[Mapping[str, Any]]:
    """One more than a page, newest first; repeated deliveries of a request are one."""
    at_ms, last = cursors.decode(query.cursor) if query.cursor else (cursors.LARGEST, "")
    table = await _table(identity)
    return await identity.history.query(
        "SELECT id, any(type) AS act, min(at_ms) AS first_ms, any(data) AS said "  # noqa: S608  # our own name
        f"FROM {table} WHERE type IN {{types:Array(String)}} AND {privileged(table)} "
        f"AND ({{actor:String}} = '' OR {ACTOR} = {{actor:String}}) "
        f"AND ({{account:String}} = '' OR has({CONCERNED}, {{account:String}})) "
        "GROUP BY id HAVING (first_ms, id) < ({at_ms:Int64}, {last:String}) "
        "AND first_ms >= {since:Int64} AND first_ms < {until:Int64} "
        "ORDER BY first_ms DESC, id DESC LIMIT {limit:UInt32}",
        {
            "types": [name for name, act in ACTS.items() if query.act in (None, act)],
            "actor": query.actor or "",
            "account": query.account_id or "",
            "at_ms": at_ms,
            "since": query.since_ms,
            "until": query.until_ms,
            "last": last,
            "limit": query.limit + 1,
        },
    )


async def _results(identity: Identity, ids: list[str]) -> dict[str, tuple[Result, str | None]]:
    """(result, code of the refusal) by request id; a request that is not in it has led to nothing yet."""
    if not ids:
        return {}
    rows = await identity.history.query(
        f"SELECT causation_id, type, data FROM {await _table(identity)} "  # noqa: S608
        "WHERE causation_id IN {ids:Array(String)} AND topic IN {topics:Array(String)}",
        {"ids": ids, "topics": list(OUTCOMES)},
    )
    found: dict[str, tuple[Result, str | None]] = {}
    for row in rows:
        cause, name = str(row["causation_id"]), str(row["type"]).rpartition(".")[2]
        if name == "RequestRefused":
            found.setdefault(cause, ("refused", str(orjson.loads(row["data"])["code"])))
        elif name != "RequestRepeated":
            found[cause] = ("done", None)
    return found


async def _table(identity: Identity) -> str:
    """The version of the history's table that is current now."""
    return table_of(identity.log_table, await identity.projections.version(identity.log_table))


def _reason(data: Mapping[str, Any]) -> tuple[str, str, str | None]:
    subject = data.get("reason_subject") or data.get("account_id") or PLATFORM_SUBJECT
    return str(subject), REASON, data.get("reason_sealed")
