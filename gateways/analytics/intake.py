"""Players' reports: checked, stripped of what tells who somebody is, and put on the log.

Bad input is never our failure: what can be taken is taken, the rest refused with its reason. The answer comes
when the broker has the beats; where it does not, 503 asks to send them again, and twice changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import web
from redis.exceptions import RedisError

from gateways.analytics.beats import LONGEST_TEXT, MOST_BEATS, checked, plain
from gateways.analytics.cmcd_events import spoken
from gateways.analytics.films import Film, Films
from gateways.analytics.unread import Unread
from gateways.core.clients import client_of, referrer_of
from gateways.core.cmcd import CmcdInvalid
from gateways.core.countries import Countries
from gateways.core.deps import Producer
from gateways.core.endpoint import json_response, raw_body_of
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.core.viewing import Viewing
from schemas.analytics.events import Beat
from schemas.analytics.views import BEATS_REPORTED, PLAYBACK
from schemas.analytics.views import MOST_BEATS as MOST_AT_ONCE
from streams.core import metrics

MOST_REPORTS: Final = 100
MOST_REFUSED_TOLD: Final = 100
IN_ONE_GO: Final = 16_384
"""Characters of CMCD that are read before others have their turn."""
MOST_BODY_BYTES: Final = 512 * 1024
"""Of a request, unpacked: a thousand beats have some 200 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the handlers work with. `clock` gives seconds since 1970."""

    producer: Producer
    films: Films
    viewing: Viewing
    countries: Countries
    unread: Unread
    clock: Callable[[], float] = time.time


INTAKE = web.AppKey("intake", Intake)


@dataclass(slots=True)
class Told:
    """Beats of one session, not yet checked; `at` tells which of which report of the request each is."""

    sid: str
    asset: str
    player: str
    viewer: str = ""
    referrer: str = ""
    beats: list[Any] = field(default_factory=list)
    at: list[tuple[int, int | None]] = field(default_factory=list)


class Refusals:
    """What of a request is not taken."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def add(self, report: int, index: int | None, code: str) -> None:
        """Count one, and tell of the first ones."""
        metrics.BEATS_REFUSED.labels(code).inc()
        if len(self.told) < MOST_REFUSED_TOLD:
            self.told.append({"report": report, "index": index, "code": code})


async def take_beats(request: web.Request) -> web.Response:
    """POST /v1/beats: one report, or a list of them."""
    try:
        document = orjson.loads(raw_body_of(request))
    except orjson.JSONDecodeError as error:
        raise Problem("malformed-request", f"The body is not JSON: {error}.") from error
    reports = document if isinstance(document, list) else [document]
    if len(reports) > MOST_REPORTS:
        raise Problem("too-large", f"Send at most {MOST_REPORTS} reports at once.", limit=MOST_REPORTS)
    refusals = Refusals()
    told = []
    for number, report in enumerate(reports):
        code = _why_not(report)
        if code:
            refusals.add(number, None, code)
        else:
            told.append(_told(report, number))
    return await _take(request, "json", told, refusals)


async def take_cmcd(request: web.Request) -> web.Response:
    """POST /v1/cmcd: lines of CMCD's event mode, of one session or of several."""
    lines = raw_body_of(request).decode("utf-8", "replace").splitlines()
    if len(lines) > MOST_BEATS:
        raise Problem("too-large", f"Send at most {MOST_BEATS} events at once.", limit=MOST_BEATS)
    refusals = Refusals()
    sessions: dict[tuple[str, str], Told] = {}
    characters = 0
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        characters += len(line)
        if characters > IN_ONE_GO:  # a full body takes a quarter of a second: others have their turn
            characters = 0
            await asyncio.sleep(0)
        try:
            one = spoken(line)
        except CmcdInvalid:
            refusals.add(number, None, "invalid_cmcd")
            continue
        session = sessions.setdefault((one.sid, one.asset), Told(one.sid, one.asset, one.player))
        session.beats.append(one.beat)
        session.at.append((number, None))
    return await _take(request, "cmcd2", list(sessions.values()), refusals)


def _why_not(report: Any) -> str:
    if not isinstance(report, dict):
        return "not_a_report"
    for name in ("sid", "asset"):
        value = report.get(name)
        if not isinstance(value, str) or not value or len(value) > LONGEST_TEXT or not value.isprintable():
            return f"bad_{name}"
    beats = report.get("beats")
    if not isinstance(beats, list) or not beats:
        return "no_beats"
    return "too_many_beats" if len(beats) > MOST_BEATS else ""


def _told(report: dict[str, Any], number: int) -> Told:
    beats = report["beats"]
    return Told(
        report["sid"],
        report["asset"],
        plain(_text(report, "player")),
        _text(report, "viewer")[:LONGEST_TEXT],
        _text(report, "referrer"),
        beats,
        [(number, index) for index in range(len(beats))],
    )


def _text(report: dict[str, Any], name: str) -> str:
    value = report.get(name)
    return value if isinstance(value, str) else ""


async def _take(request: web.Request, source: str, told: Iterable[Told], refusals: Refusals) -> web.Response:
    """Put what can be taken on the log and tell what cannot. Raises LogUnavailable."""
    intake = request.app[INTAKE]
    received_at_ms, client = int(intake.clock() * 1000), client_of(request, intake.countries)
    who = {"source": source, **client}
    reports = []
    for session in told:
        report = await _report(request, intake, session, refusals, received_at_ms, who)
        if report is not None:
            reports.append(report)
    await asyncio.gather(*(part for report in reports for part in _published(intake.producer, report)))
    accepted = sum(len(report["beats"]) for report in reports)
    metrics.BEATS.labels(source).inc(accepted)
    if client["bot"]:
        metrics.BEATS_ODD.labels("bot").inc(accepted)
    return json_response({"accepted": accepted, "refused": refusals.told}, 202)


async def _report(
    request: web.Request,
    intake: Intake,
    session: Told,
    refusals: Refusals,
    received_at_ms: int,
    who: dict[str, Any],
) -> dict[str, Any] | None:
    principal = principal_of(request)
    account_id = principal.counted_as
    known, read = None, True
    try:
        known = await intake.films.of(session.asset, principal)
        intake.unread.look()
    except (RedisError, OSError):
        read = False
    film = known or Film()
    beats, refused = checked(session.beats, received_at_ms)
    for number, code in refused:
        refusals.add(*session.at[number], code)
    if not beats:
        return None
    for beat in beats:
        if not beat["rendition"] and beat["bitrate_kbps"]:
            beat["rendition"] = film.rendition_of(beat["bitrate_kbps"])
    _count_odd(beats, known is not None or not read)
    report = {
        "view_id": intake.viewing.view_id(session.sid, session.asset, account_id),
        "asset_id": session.asset,
        "owner_id": film.owner_id,
        "film_ms": film.film_ms,
        "viewer": intake.viewing.viewer(account_id, session.viewer, request.headers),
        "player": session.player,
        "referrer": referrer_of(request, session.referrer),
        "received_at_ms": received_at_ms,
        "beats": beats,
        **who,
    }
    if not read:
        intake.unread.keep(report, principal)
    return report


def _count_odd(beats: Sequence[Beat], known: bool) -> None:
    if not known:
        metrics.BEATS_ODD.labels("unknown_video").inc(len(beats))
    for beat in beats:
        for name in beat["clamped"]:
            metrics.BEATS_ODD.labels(name).inc()


def _published(producer: Producer, report: dict[str, Any]) -> Iterable[Any]:
    """One event for each MOST_AT_ONCE of the report's beats."""
    beats = report["beats"]
    for first in range(0, len(beats), MOST_AT_ONCE):
        part = {**report, "beats": beats[first : first + MOST_AT_ONCE]}
        yield producer.publish(
            PLAYBACK, report["view_id"], BEATS_REPORTED, part, at_ms=report["received_at_ms"]
        )
