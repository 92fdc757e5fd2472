"""`GET /v1/views`, `GET /v1/views/{view_id}`: playback sessions one by one, and why one was not counted."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.analytics.beat_log import Beat, told
from gateways.analytics.filters import Chosen, Filters, chosen, own_only
from gateways.analytics.periods import DAY_MS, Span, span_of
from gateways.analytics.reading import Reading, reading_of
from gateways.core import cursors
from gateways.core.endpoint import json_response, query_of
from gateways.core.owning import let_in
from gateways.core.permissions import ANALYTICS_READ
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from schemas.analytics.views import BEATS, VIEWS, WATCHED_MS

SHOWN: Final = (
    "view_id", "revision", "asset_id", "owner_id", "film_ms", "source", "player", "country", "device", "os",
    "browser", "referrer", "bot", "started_at_ms", "last_at_ms", "state", "startup_ms", "started", "engaged",
    "failed", "error", "exited_before_start", "finished", "watched_ms", "playing_ms", "media_ms",
    "covered_ms", "stalled_ms", "stalls", "seeks", "switches", "kbits", "bitrate_ms", "rendition_ms",
    "dropped_frames", "max_playhead_ms", "counted", "reasons", "clamped", "gaps",
)  # fmt: skip
"""Columns of a session that are shown; who watched is in none of them."""
SENTENCES: Final = {
    "bot": "The client is a robot by what it calls itself; robots are kept apart.",
    "no_first_frame": "No first frame was shown, and a view begins with it.",
    "unknown_video": "The player named a film that does not exist here.",
    "approximate": "More was told than is remembered of one session: it counts all the same, and its numbers "
    "are an estimate.",
    "too_short": "It is a view, but no engaged one: less than 10 s were played (half of a film under 20 s).",
}
WHICH: Final = {
    "all": "1", "counted": "counted", "uncounted": "NOT counted", "failed": "failed", "stalled": "stalls > 0",
}  # fmt: skip
_VIEW_ID: Final = re.compile(r"[0-9a-f]{32}")
_WINDOWS_DAYS: Final = (1, 7, 1100)
MOST_SHOWN: Final = 10_000
"""Beats of one session: a day of an ordinary one."""
_REPORTS: Final = """\
SELECT * FROM (
  SELECT *, sum(length(beat.sn)) OVER (ORDER BY offset) AS so_far, sum(length(beat.sn)) OVER () AS told
  FROM {beats} WHERE view_id = {view:String}
) WHERE so_far <= {most:UInt32} ORDER BY offset"""


class SessionsQuery(Filters):
    """Sessions, the newest first; robots' and those of unknown films as well."""

    which: Literal["all", "counted", "uncounted", "failed", "stalled"] = "all"
    bots: Literal["exclude", "include", "only"] = "include"
    limit: int = Field(50, ge=1, le=200)
    cursor: str = Field("", max_length=200)


class Session(BaseModel):
    """A playback session as it is measured by now; what the numbers mean: `GET /v1/metrics`."""

    view_id: str
    revision: int = Field(description="beats and segments that it rests on")
    asset_id: str
    owner_id: str
    film_ms: int | None
    source: str
    player: str
    country: str
    device: str
    os: str
    browser: str
    referrer: str
    bot: bool
    started_at_ms: int
    last_at_ms: int
    state: str
    startup_ms: int | None
    started: bool
    engaged: bool
    failed: bool
    error: str
    exited_before_start: bool = Field(
        description=f"left before a first frame, without an error: silent for {WATCHED_MS // 1000} s"
    )
    finished: bool
    watched_ms: int
    playing_ms: int
    media_ms: int
    covered_ms: int
    stalled_ms: int
    stalls: int
    seeks: int
    switches: int
    kbits: int
    bitrate_ms: int
    rendition_ms: dict[str, int]
    dropped_frames: int
    max_playhead_ms: int
    counted: bool
    reasons: list[str]
    clamped: int
    gaps: int


class SessionPage(BaseModel):
    """Go on with `next_cursor`."""

    items: list[Session]
    next_cursor: str | None


class Reason(BaseModel):
    """Why it does not count, for programs and for people."""

    code: str
    sentence: str


class Inspected(BaseModel):
    """One session: what its player said, what was decided on it, and whether it counts."""

    view: Session
    counted: bool
    reasons: list[Reason]
    beats: list[Beat] = Field(description="in the player's order; none of cmcd1")
    repeated: int = Field(description="beats that came again, which changed nothing")
    more: bool = Field(description="there are more beats than are shown")


async def sessions(request: web.Request) -> web.Response:
    """A page. The newest days are looked at first: most pages end there."""
    reading = reading_of(request)
    query = own_only(request, query_of(request, SessionsQuery))
    span = span_of(query.from_, query.to, int(reading.clock() * 1000))
    before = cursors.decode(query.cursor) if query.cursor else (span.to_ms, "")
    wanted = chosen(query, known=False)
    found: list[dict[str, Any]] = []
    for days in _WINDOWS_DAYS:
        to_ms = min(span.to_ms, (before[0] // 1000 + 1) * 1000)  # times are chosen by whole seconds
        window = Span(max(span.from_ms, to_ms - days * DAY_MS), to_ms)
        if window.from_ms >= window.to_ms:
            break
        found = await _newest(reading, wanted.within(window), WHICH[query.which], before, query.limit + 1)
        if len(found) > query.limit or window.from_ms == span.from_ms:
            break
    items = found[: query.limit]
    last = items[-1] if len(found) > query.limit else None
    cursor = cursors.encode(last["started_at_ms"], last["view_id"]) if last else None
    return json_response({"items": items, "next_cursor": cursor})


async def _newest(
    reading: Reading, within: Chosen, which: str, before: tuple[int, str], limit: int
) -> list[dict[str, Any]]:
    """Sessions before one. What finds them is read of all, the rest of those that are found."""
    keys = f"""\
SELECT day, asset_id, view_id FROM {{views}} FINAL
WHERE {within.where} AND {which} AND (started_at_ms, view_id) < ({{before_ms:Int64}}, {{before:String}})
ORDER BY started_at_ms DESC, view_id DESC LIMIT {limit}"""  # noqa: S608  # bound where it is a caller's
    return await _whole(reading, keys, {**within.parameters, "before_ms": before[0], "before": before[1]})


async def _whole(reading: Reading, keys: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The sessions whose (day, asset_id, view_id) the query `keys` gives, the newest first."""
    sql = f"""\
SELECT {", ".join(SHOWN)} FROM {{views}} FINAL WHERE (day, asset_id, view_id) IN ({keys})
ORDER BY started_at_ms DESC, view_id DESC"""  # noqa: S608  # our own columns
    over_ms = int(reading.clock() * 1000) - WATCHED_MS  # who was heard later may still be starting
    return [
        {**row, "exited_before_start": row["exited_before_start"] and row["last_at_ms"] < over_ms}
        for row in await reading.rows(sql, parameters, views=VIEWS)
    ]


async def inspect(request: web.Request) -> web.Response:
    """One session. Who may see their own films' only learns nothing of others, not that they are there."""
    reading, view_id, principal = reading_of(request), request.match_info["view_id"], principal_of(request)
    view = await _view(reading, view_id) if _VIEW_ID.fullmatch(view_id) else None
    owns = view is not None and bool(view["owner_id"]) and view["owner_id"] == principal.owner_id
    let_in(request)
    if view is None or not (principal.may(ANALYTICS_READ) or owns):
        raise Problem(
            "not-found", "There is no such playback session; one is measured a second after it is told."
        )
    reports = await reading.rows(_REPORTS, {"view": view_id, "most": MOST_SHOWN}, beats=BEATS)
    beats, repeated = told(reports)
    return json_response(
        {
            "view": view, "counted": view["counted"], "beats": beats, "repeated": repeated,
            "reasons": [{"code": code, "sentence": SENTENCES.get(code, code)} for code in view["reasons"]],
            "more": bool(reports) and reports[-1]["told"] > reports[-1]["so_far"],
        }
    )  # fmt: skip


async def _view(reading: Reading, view_id: str) -> dict[str, Any] | None:
    # Where it has stood is found by a filter of ids; which of these rows is the newest, by the key.
    keys = "SELECT day, asset_id, view_id FROM {views} WHERE view_id = {view:String}"
    rows = await _whole(reading, keys, {"view": view_id})
    return rows[0] if rows else None
