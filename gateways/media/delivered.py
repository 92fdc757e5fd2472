"""Tells analytics what was delivered: the bytes of each segment, and what the player said with its request.

A segment costs its request some microseconds: a tuple in a list. Once in FLUSH_S the list becomes one event a
session (CMCD, CTA-5004) and one a film for all requests that name no session. While the broker is away they
wait, at most MOST_WAITING segments; later ones are left out and counted. What waits is told when the gateway
ends: it is lost if the process is killed (SIGKILL, power), or ends while the broker is away.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from aiohttp import web

from gateways.core import cmcd
from gateways.core.clients import client_of, referrer_of
from gateways.core.cmcd import CmcdInvalid, Record
from gateways.core.countries import Countries
from gateways.core.deps import Producer
from gateways.core.principal import principal_of
from gateways.core.viewing import Viewing
from schemas.analytics.views import MOST_SEGMENTS, PLAYBACK, SEGMENTS_SERVED, UNSEEN
from schemas.media.grid import plan_cuts
from schemas.media.plan import Plan
from schemas.media.views import AssetDocument
from schemas.media.visibility import owner_of
from streams.core import metrics
from streams.core.logging import get_logger
from streams.core.producer import LogUnavailable

_log = get_logger("gateway.media.delivered")
FLUSH_S: Final = 1.0
MOST_WAITING: Final = 50_000
AT_A_TIME: Final = 50
"""Records read before others get their turn."""
MOST_KBPS: Final = 1_000_000
INIT: Final = -1
_UNSAID: Final = {"country": "", "device": "other", "os": "", "browser": "", "bot": False}


class Sent(NamedTuple):
    """One segment that went out. `number` is INIT of an init segment; `cmcd` "" where none came with it."""

    asset_id: str
    owner_id: str
    film_ms: int | None
    rendition: str
    number: int
    start_ms: int
    duration_ms: int
    bytes: int
    at_ms: int
    cmcd: str
    account_id: str | None
    viewer: str
    referrer: str
    client: dict[str, Any]


@dataclass(slots=True)
class _Report:
    """An event that is not yet on the log: told again it has the same id."""

    ce_id: str
    data: dict[str, Any]


class Delivered:
    """One a process. `run` must be running."""

    def __init__(self, producer: Producer, viewing: Viewing, countries: Countries) -> None:
        self._producer, self._viewing, self._countries = producer, viewing, countries
        self._closed = asyncio.Event()
        self._sent: list[Sent] = []
        self._reports: list[_Report] = []
        self._waiting = 0
        self._away = False

    def add(
        self,
        request: web.Request,
        document: AssetDocument,
        plan: Plan,
        rendition: str,
        number: int,
        size: int,
        at_ms: int,
    ) -> None:
        """`size` bytes of a segment, asked for at `at_ms`, went out; or of an init segment (INIT)."""
        if self._waiting >= MOST_WAITING:
            metrics.SEGMENTS_UNTOLD.labels("too_many").inc()
            return
        self._waiting += 1
        said = cmcd.sent_with(request.query, request.headers)
        account_id, viewer, referrer, client = None, "", "", _UNSAID
        if said:
            account_id = principal_of(request).counted_as
            viewer = self._viewing.viewer(account_id, "", request.headers)
            referrer, client = referrer_of(request), client_of(request, self._countries)
        begins = _starts_of(plan)
        at = max(number, 0)
        self._sent.append(
            Sent(
                document["id"], owner_of(document) or "", document["duration_ms"] or None, rendition, number,
                begins[at], begins[at + 1] - begins[at], size, at_ms, said, account_id, viewer,
                referrer, client,
            )
        )  # fmt: skip

    async def run(self) -> None:
        """Tell until closed, and then the rest."""
        closed = False
        while not closed:
            with suppress(TimeoutError):
                closed = await asyncio.wait_for(self._closed.wait(), FLUSH_S)
            await self.flush()

    def close(self) -> None:
        """`run` tells what waits and returns."""
        self._closed.set()

    async def flush(self) -> None:
        """Put what waits on the log; what the broker does not take goes on waiting."""
        sent, self._sent = self._sent, []
        self._reports += [report async for report in self._reported(sent)]
        reports, self._reports = self._reports, []
        if self._away and reports:
            # One of them finds out: what was tried stays in the Kafka client's queue, which others need, too.
            await self._publish(reports.pop(0))
            if self._away:
                self._reports += reports
                return
        await asyncio.gather(*(self._publish(report) for report in reports))

    async def _publish(self, report: _Report) -> None:
        try:
            await self._producer.publish(
                PLAYBACK, report.data["view_id"], SEGMENTS_SERVED, report.data, ce_id=report.ce_id
            )
        except LogUnavailable:
            self._reports.append(report)
            self._away = True
            return
        except Exception as error:  # a bug; the next reports must not wait for it
            _log.exception("delivered segments were not told", error=type(error).__name__)
            metrics.SEGMENTS_UNTOLD.labels("failed").inc(len(report.data["segments"]))
        self._away = False
        self._waiting -= len(report.data["segments"])

    async def _reported(self, sent: Iterable[Sent]) -> AsyncIterator[_Report]:
        sessions: dict[str, dict[str, Any]] = {}
        for count, one in enumerate(sent):
            if count % AT_A_TIME == AT_A_TIME - 1:
                await asyncio.sleep(0)
            record = _record(one)
            key = self._key(one, record)
            session = sessions.get(key)
            if session is None:
                session = sessions[key] = _session(key, one, record)
            session["segments"].append(_segment(one, record))
            if len(session["segments"]) == MOST_SEGMENTS:
                yield _Report(secrets.token_hex(16), sessions.pop(key))
        for session in sessions.values():
            yield _Report(secrets.token_hex(16), session)

    def _key(self, one: Sent, record: Record | None) -> str:
        if record is None:
            return UNSEEN + one.asset_id
        return self._viewing.view_id(cmcd.text(record, "sid"), one.asset_id, one.account_id)


def _record(one: Sent) -> Record | None:
    """What the player said, if it is CMCD and names the session. Init segments tell nothing of a playback."""
    if not one.cmcd or one.number == INIT:
        return None
    try:
        record = cmcd.parse(one.cmcd)
    except CmcdInvalid:
        metrics.BEATS_REFUSED.labels("invalid_cmcd").inc()
        return None
    return record if cmcd.text(record, "sid") else None


def _session(key: str, one: Sent, record: Record | None) -> dict[str, Any]:
    told = record is not None
    return {
        "view_id": key,
        "asset_id": one.asset_id,
        "owner_id": one.owner_id,
        "film_ms": one.film_ms,
        "viewer": one.viewer if told else "",
        "player": cmcd.player(record) if record is not None else "",
        "referrer": one.referrer if told else "",
        **(one.client if told else _UNSAID),
        "segments": [],
    }


def _segment(one: Sent, record: Record | None) -> dict[str, Any]:
    kbps = cmcd.number(record, "br") if record is not None else None
    return {
        "number": max(one.number, 0),
        "rendition": one.rendition,
        "start_ms": one.start_ms,
        "duration_ms": one.duration_ms,
        "at_ms": one.at_ms,
        "bytes": one.bytes,
        "cmcd": record is not None,
        "starved": record is not None and cmcd.flag(record, "bs"),
        "bitrate_kbps": None if kbps is None else min(max(int(kbps), 0), MOST_KBPS),
    }


_STARTS: OrderedDict[tuple[int, int, int], list[int]] = OrderedDict()
KEPT_GRIDS: Final = 64


def _starts_of(plan: Plan) -> list[int]:
    """Where each segment begins, milliseconds, and where the last one ends; grids of late stay."""
    key = (plan["fps_num"], plan["fps_den"], plan["frame_count"])
    starts = _STARTS.get(key)
    if starts is None:
        starts = [frame * 1000 * plan["fps_den"] // plan["fps_num"] for frame in plan_cuts(plan)]
        _STARTS[key] = starts
        if len(_STARTS) > KEPT_GRIDS:
            _STARTS.popitem(last=False)
    return starts
