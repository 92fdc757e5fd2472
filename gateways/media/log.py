"""The log view's routes: an asset's events, live, and one event with its causes."""

from __future__ import annotations

from aiohttp import web

from gateways.core.endpoint import json_response, query_of
from gateways.core.films import holds
from gateways.core.owning import let_in
from gateways.core.permissions import LOG_READ
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.core.sse import EventStream
from gateways.core.titles import shown_titles
from gateways.media.access import known
from gateways.media.context import Media, media_of
from gateways.media.history import Cursor, LogHistory, decode_cursor, encode_cursor
from gateways.media.live import SERVICE
from gateways.media.models import LogDetail, LogEntry, LogPage, LogQuery
from gateways.media.tail import PAGE, Tails
from streams.core import metrics

HISTORY = web.AppKey("history", LogHistory)
TAILS = web.AppKey("tails", Tails)


async def asset_log(request: web.Request) -> web.Response:
    """Also of deleted assets: what happened does not go away."""
    query = query_of(request, LogQuery)
    after = decode_cursor(query.after)
    if not principal_of(request).may(LOG_READ):
        await known(request)
    entries, cursor = await request.app[HISTORY].page(request.match_info["asset_id"], after, query.limit)
    if not entries and not after:
        await known(request)
    more = encode_cursor(cursor) if len(entries) == query.limit else None
    return json_response(LogPage(items=await _readable(media_of(request), entries), next_cursor=more))


async def log_stream(request: web.Request) -> web.StreamResponse:
    """`event: entry` for each event, from `after` (or Last-Event-ID) on; without either, from the start."""
    query = query_of(request, LogQuery)
    cursor = decode_cursor(query.after)
    last_id = request.headers.get("Last-Event-ID")
    if last_id:
        cursor = _tolerant(last_id) or cursor
    asset_id = request.match_info["asset_id"]
    media, history, tails = media_of(request), request.app[HISTORY], request.app[TAILS]
    if not cursor or not principal_of(request).may(LOG_READ):
        await known(request)
    async with tails.watch(asset_id, cursor) as watcher, EventStream(request) as stream:
        with metrics.STREAMS_OPEN.labels(SERVICE).track_inprogress():
            cursor = await _catch_up(stream, media, history, asset_id, cursor)
            while stream.open:
                entries = await stream.pause(watcher.take)
                if watcher.lost:
                    watcher.lost = False
                    cursor = await _catch_up(stream, media, history, asset_id, cursor)
                elif entries:
                    cursor = await _send(stream, media, entries, cursor)
    return stream.response


def _tolerant(last_id: str) -> Cursor:
    """A Last-Event-ID that is not ours means: from the start."""
    try:
        return decode_cursor(last_id)
    except Problem:
        return {}


async def _readable(media: Media, entries: list[LogEntry]) -> list[LogEntry]:
    """The entries with their titles opened, by one round trip; those of a forgotten film stay sealed."""
    sealed = [e for e in entries if isinstance(e.data, dict) and e.data.get("title_sealed") is not None]
    titles = await shown_titles(media.sealer, [(e.data["asset_id"], e.data) for e in sealed])
    opened = {
        id(entry): entry.model_copy(update={"data": {**entry.data, "title": title}})
        for entry, title in zip(sealed, titles, strict=True)
        if title
    }
    return [opened.get(id(entry), entry) for entry in entries]


async def _catch_up(
    stream: EventStream, media: Media, history: LogHistory, asset_id: str, cursor: Cursor
) -> Cursor:
    while stream.open:
        entries, _ = await history.page(asset_id, cursor, PAGE)
        cursor = await _send(stream, media, entries, cursor)
        if len(entries) < PAGE:
            break
    return cursor


async def _send(stream: EventStream, media: Media, entries: list[LogEntry], cursor: Cursor) -> Cursor:
    """Send what is beyond the cursor; returns the cursor behind all of it.

    An event's id is a cursor to resume from. Causes stand before effects, so within a batch a partition's
    offsets may change places: only the batch's last id covers it all, and resuming may repeat some events.
    """
    new = await _readable(media, [e for e in entries if e.offset > cursor.get(_where(e), -1)])
    behind = dict(cursor)
    for entry in new:
        behind[_where(entry)] = max(behind.get(_where(entry), -1), entry.offset)
    for entry in new:
        metrics.PUSHES.labels(SERVICE).inc()
        resume = behind if entry is new[-1] else cursor
        await stream.send("entry", entry.model_dump(mode="json"), encode_cursor(resume))
    return behind


def _where(entry: LogEntry) -> str:
    return f"{entry.topic}:{entry.partition}"


async def log_entry(request: web.Request) -> web.Response:
    """One event of an asset with causes and effects; what is said about people is not for this page."""
    ce_id = request.match_info["ce_id"]
    found = await request.app[HISTORY].one(ce_id)
    if found is None or not found[1] or not await _may_read(request, found[1]):
        raise Problem(
            "not-found", "There is no such event in the history; a new one takes a moment to get there."
        )
    let_in(request)
    entry, asset_id = found
    causes, effects = await request.app[HISTORY].chain(entry, asset_id)
    entry, *others = await _readable(media_of(request), [entry, *causes, *effects])
    parts = {"causes": others[: len(causes)], "effects": others[len(causes) :]}
    return json_response(LogDetail(entry=entry, **parts))


async def _may_read(request: web.Request, asset_id: str) -> bool:
    """Whether the caller may read the events of this asset."""
    principal, media = principal_of(request), media_of(request)
    if principal.may(LOG_READ):
        return principal.asset_id in (None, asset_id)
    document = await (await media.projections.pin(media.library)).get(asset_id)
    return document is not None and holds(principal, LOG_READ, document)
