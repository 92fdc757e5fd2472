"""The library: list, get, change, delete."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
from aiohttp import web

from gateways.core import asking, cursors
from gateways.core.endpoint import body_of, json_response, query_of
from gateways.core.films import holds, may_see
from gateways.core.idempotency import scoped_id
from gateways.core.permissions import ASSETS_READ
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem
from gateways.core.projections import Cursor, View
from gateways.core.reasons import sealed_reason
from gateways.core.titles import sealed_title, shown_titles, titles_of
from gateways.media import present
from gateways.media.access import known, library_of
from gateways.media.context import REQUESTS, Media, media_of
from gateways.media.intake import clean_title
from gateways.media.models import (
    Accepted,
    Asset,
    AssetChange,
    AssetDeletion,
    AssetPage,
    AssetQuery,
    AssetsQuery,
    LogPosition,
)
from schemas.media.views import RECENT_PUBLIC, AssetDocument
from schemas.media.visibility import owner_of

SEARCH_WINDOW = 2000
"""Assets looked at for one page of a search; a longer library needs `next_cursor` to go on."""


async def find_document(request: web.Request, view: View | None = None) -> AssetDocument:
    """The document of the path's asset, if the caller may do what is asked: see `access.known`.

    Problem 410 if it is deleted.
    """
    raw = await known(request, view)
    document = present.alive(raw)
    if document is None:
        raise Problem("gone", f"Asset {raw['id']!r} has been deleted; upload the film again to watch it.")
    return document


async def get_asset(request: web.Request) -> web.Response:
    wait_for = query_of(request, AssetQuery).wait_for
    media = media_of(request)
    view = await media.projections.pin(media.library)
    # Who sent a request has a credential; strangers must not hold on to a place as they like.
    if wait_for is not None and principal_of(request).via != "none":
        await _wait(request, view, wait_for)
    return json_response(await present.asset(media.sealer, await find_document(request, view)))


async def _wait(request: web.Request, view: View, request_id: str) -> None:
    """Wait for an outcome. One on an asset that the caller may not know of is as one that never comes."""
    asset_id = request.match_info["asset_id"]
    document = await view.get(asset_id)
    if document is not None and not may_see(principal_of(request), document):
        request_id = uuid.uuid4().hex
    await view.await_outcome(asset_id, request_id, media_of(request).waits.outcome_s)


async def list_assets(request: web.Request) -> web.Response:
    """What the caller may see: all, or their own; by `visibility=public` what everybody may."""
    query = query_of(request, AssetsQuery)
    media, principal = media_of(request), principal_of(request)
    view = await media.projections.pin(media.library)
    if principal.asset_id is not None:
        document = present.alive(await view.get(principal.asset_id))
        seen = document is not None and holds(principal, ASSETS_READ, document)
        items = [await present.asset(media.sealer, document)] if seen and document is not None else []
        return json_response(AssetPage(items=items, next_cursor=None))
    listing = RECENT_PUBLIC if query.visibility is not None else library_of(principal)
    if listing is None:
        return json_response(AssetPage(items=[], next_cursor=None))
    items, cursor = await _page(media, view, listing, query, principal)
    return json_response(AssetPage(items=items, next_cursor=cursor))


async def _page(
    media: Media, view: View, listing: str, query: AssetsQuery, principal: Principal
) -> tuple[list[Asset], str | None]:
    """Up to `limit` matching assets of a listing and the cursor to go on by, or None at the end.

    Titles of a step are opened together. Without the vault nothing can be searched: raises VaultError.
    """
    after = Cursor(*cursors.decode(query.cursor)) if query.cursor else None
    words = query.q.casefold().split() if query.q else []
    step = query.limit if not words else 100
    found: list[Asset] = []
    looked_at = 0
    while True:
        members = await view.newest(listing, step + 1, after)
        page, more = members[:step], len(members) > step
        documents = [present.alive(raw) for raw in await view.get_many([m.key for m in page])]
        opened = titles_of if words else shown_titles
        titles = await opened(media.sealer, [(m.key, d or {}) for m, d in zip(page, documents, strict=True)])
        for member, document, title in zip(page, documents, titles, strict=True):
            after = member
            looked_at += 1
            # A listing is read before its documents: one of them may have become private in between.
            if document is None or not may_see(principal, document):
                continue
            if not _matches(f"{title} {document['id']}", words):
                continue
            found.append(present.titled(document, title))
            if len(found) == query.limit:
                return found, _text(after) if more or member is not page[-1] else None
        if not more:
            return found, None
        if looked_at >= SEARCH_WINDOW:
            return found, _text(after)


def _text(after: Cursor | None) -> str | None:
    return cursors.encode(int(after.score), after.key) if after is not None else None


def _matches(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)


async def change_asset(request: web.Request) -> web.Response:
    """Asks for another title or visibility and waits a moment for the outcome."""
    document = await find_document(request)
    body = body_of(request, AssetChange)
    title = clean_title(body.title) if body.title is not None else None
    if title == "":
        raise Problem("validation", "title: send 1 to 200 characters that can be read.")
    if title is None and body.visibility is None:
        raise Problem("validation", "Send a title, a visibility, or both.")
    change = {"title": title, "visibility": body.visibility}
    request_id = scoped_id(request, f"change:{document['id']}:{orjson.dumps(change).decode()}")
    media = media_of(request)
    sealed = None if title is None else await sealed_title(media.sealer, document["id"], title)
    act = await act_of(request, document, body.reason)
    data = {"title": None, "title_sealed": sealed, "visibility": body.visibility, **act}
    return await answered(media, document, "AssetChangeRequested", data, request_id)


async def answered(
    media: Media, document: AssetDocument, name: str, data: dict[str, Any], request_id: str
) -> web.Response:
    """Asks the asset's decider, waits a moment, and tells what became of it. Problem 409 of a refusal."""
    position = await publish(media, document["id"], name, data, request_id)
    view = await media.projections.pin(media.library)
    outcome = await view.await_outcome(document["id"], request_id, media.waits.outcome_s)
    problem = asking.refused(outcome)
    if problem is not None:
        raise problem
    changed = present.alive(await view.get(document["id"])) if outcome is not None else None
    accepted = Accepted(
        id=document["id"],
        state=(changed or document)["state"],
        request_id=request_id,
        position=position,
        asset=await present.asset(media.sealer, changed) if changed is not None else None,
        links=present.links(document["id"], changed or document),
    )
    return json_response(accepted, 202)


async def delete_asset(request: web.Request) -> web.Response:
    """Asks for the deletion and waits a moment for its outcome; works in every state."""
    document = await find_document(request)
    media = media_of(request)
    request_id = scoped_id(request, f"delete:{document['id']}")
    data = await act_of(request, document, query_of(request, AssetDeletion).reason)
    position = await publish(media, document["id"], "DeletionRequested", data, request_id)
    view = await media.projections.pin(media.library)
    outcome = await view.await_outcome(document["id"], request_id, media.waits.outcome_s)
    accepted = Accepted(
        id=document["id"],
        state="deleted" if outcome is not None else document["state"],
        request_id=request_id,
        position=position,
        asset=None,
        links=present.links(document["id"]),
    )
    return json_response(accepted, 202)


async def act_of(request: web.Request, document: AssetDocument, reason: str | None) -> dict[str, Any]:
    """Who asks, whose asset it is, and why: what the audit tells of those who are not the owner."""
    principal, owner_id = principal_of(request), owner_of(document)
    return {
        "actor": principal.actor,
        "owner_id": owner_id,
        "privileged": principal.owner_id != owner_id,
        **await sealed_reason(media_of(request).sealer, owner_id, reason),
    }


async def publish(
    media: Media, asset_id: str, name: str, data: dict[str, Any], request_id: str
) -> LogPosition:
    """Put kinolog.media.<name> on the log, as `gateways.core.asking` does."""
    full = {"asset_id": asset_id, **data}
    position = await asking.publish(
        media.producer, REQUESTS, asset_id, f"kinolog.media.{name}", full, request_id, media.waits.publish_s
    )
    return LogPosition(topic=position.topic, partition=position.partition, offset=position.offset)
