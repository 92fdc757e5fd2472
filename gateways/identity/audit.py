"""What privileged people did: their requests on the log, with what became of each.

An act is privileged when its actor is not the account that it is done to, or does not own the film: what is
asked of a film says so itself. Read from the history (ClickHouse), which is a moment behind; what became of a
request is whatever event it led to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import orjson
from aiohttp import web

from gateways.core import cursors
from gateways.core.endpoint import json_response, query_of
from gateways.core.principal import principal_of
from gateways.core.reasons import PLATFORM_SUBJECT, REASON
from gateways.core.titles import titles_of
from gateways.identity import present
from gateways.identity.asking import opened
from gateways.identity.context import Identity, identity_of
from gateways.identity.models import AuditEntry, AuditPage, AuditQuery
from schemas.identity.roles import USERS_READ
from schemas.keys import table_of

ACTS: Final = {
    "kinolog.identity.AddressClaimed": "account.open",
    "kinolog.identity.LinkRequested": "link.issue",
    "kinolog.identity.AccountChangeRequested": "account.change",
    "kinolog.identity.ErasureRequested": "account.erase",
    "kinolog.identity.SigningKeyProposed": "signing.rotate",
    "kinolog.media.AssetChangeRequested": "asset.change",
    "kinolog.media.DeletionRequested": "asset.delete",
    "kinolog.media.TransferRequested": "asset.transfer",
}
_OUTCOMES: Final = (
    "identity.account.events", "identity.address.events", "identity.signing.events", "media.asset.events"
)  # fmt: skip
Result = Literal["done", "refused", "open"]


async def show(request: web.Request) -> web.Response:
    identity, query = identity_of(request), query_of(request, AuditQuery)
    rows = await _requests(identity, query)
    page = rows[: query.limit]
    results = await _results(identity, [str(row["id"]) for row in page])
    reasons = await opened(identity, [_reason(row) for row in page])
    said = [orjson.loads(row["said"]) for row in page]
    titles = await titles_of(identity.sealer, [(str(data.get("asset_id")), data) for data in said])
    items = [
        _entry(row, results.get(str(row["id"]), ("open", None)), reason, title or None)
        for row, reason, title in zip(page, reasons, titles, strict=True)
    ]
    more = cursors.encode(int(page[-1]["first_ms"]), str(page[-1]["id"])) if len(rows) > len(page) else None
    concerned = {id for item in items for id in (item.actor, item.account_id, item.heir_id) if id}
    may_see = principal_of(request).may(USERS_READ)
    names = await present.called(identity, sorted(concerned)) if may_see else {}
    return json_response(AuditPage(items=items, names=names, next_cursor=more))


async def _requests(identity: Identity, query: AuditQuery) -> Sequence[Mapping[str, Any]]:
    """One more than a page, newest first; repeated deliveries of a request are one."""
    at_ms, last = cursors.decode(query.cursor) if query.cursor else (cursors.LARGEST, "")
    return await identity.history.query(
        "SELECT id, any(type) AS act, min(at_ms) AS first_ms, any(data) AS said "  # noqa: S608  # our own name
        f"FROM {await _table(identity)} "
        "WHERE type IN {types:Array(String)} "
        "AND if(startsWith(type, 'kinolog.media.'), JSONExtractBool(data, 'privileged'), "
        "JSONExtractString(data, 'actor') != JSONExtractString(data, 'account_id')) "
        "AND ({actor:String} = '' OR JSONExtractString(data, 'actor') = {actor:String}) "
        "AND ({account:String} = '' OR {account:String} IN "
        "(JSONExtractString(data, 'account_id'), JSONExtractString(data, 'owner_id'))) "
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
        {"ids": ids, "topics": list(_OUTCOMES)},
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


def _reason(row: Mapping[str, Any]) -> tuple[str, str, str | None]:
    data = orjson.loads(row["said"])
    subject = data.get("reason_subject") or data.get("account_id") or PLATFORM_SUBJECT
    return str(subject), REASON, data.get("reason_sealed")


def _entry(
    row: Mapping[str, Any], result: tuple[Result, str | None], reason: str | None, title: str | None
) -> AuditEntry:
    data = orjson.loads(row["said"])
    return AuditEntry(
        id=str(row["id"]),
        at_ms=int(row["first_ms"]),
        actor=data["actor"],
        act=ACTS[str(row["act"])],
        account_id=data.get("account_id", data.get("owner_id")),
        asset_id=data.get("asset_id"),
        result=result[0],
        code=result[1],
        reason=reason,
        roles=data.get("roles"),
        disabled=data.get("disabled"),
        visibility=data.get("visibility"),
        title=title,
        films=data.get("films"),
        heir_id=data.get("heir_id"),
    )
