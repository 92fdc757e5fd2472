"""Who watches now, told to any number of dashboards once a second: what they cost is one reading.

One task a gateway reads the projection `analytics.live` while anybody listens, and how many watched in each
of the last minutes from ClickHouse once a minute. A dashboard is told what it may see: everything, or its own
films; or of these one.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from redis.exceptions import RedisError

from gateways.analytics.shown_films import Document, ShownFilms
from gateways.core.clickhouse import HistoryUnavailable
from gateways.core.films import may_see
from gateways.core.permissions import ANALYTICS_READ
from gateways.core.principal import Principal
from schemas.media.visibility import owner_of
from streams.core import failures
from streams.core.logging import get_logger

_log = get_logger("gateway.analytics.live")
TICK_S: Final = 1.0
MINUTES: Final = 60
TOP: Final = 20


class Scope(NamedTuple):
    """What is told: of `owner_id`'s films or (None) all, and of these of one or (None) all."""

    owner_id: str | None
    asset_id: str | None


def scope_of(principal: Principal, asset_id: str | None) -> Scope:
    """What this caller may be told of what they ask for."""
    return Scope(None if principal.may(ANALYTICS_READ) else principal.owner_id or "", asset_id)


@dataclass(frozen=True, slots=True)
class Now:
    """What was read: watching sessions by film, and by minute; films that do not exist are left out."""

    at_ms: int
    by_asset: Mapping[str, int]
    minutes: Mapping[str, Mapping[int, int]]
    films: Mapping[str, Document]
    titles: Mapping[str, str]

    def viewers(self, scope: Scope) -> dict[str, int]:
        """Of each film of the scope."""
        return {key: count for key, count in self.by_asset.items() if self._within(key, scope)}

    def last_minutes(self, scope: Scope) -> list[dict[str, int]]:
        """The last MINUTES that are over, the oldest first."""
        end = self.at_ms // 60_000
        total: Counter[int] = Counter()
        for asset_id, minutes in self.minutes.items():
            if self._within(asset_id, scope):
                total.update(minutes)
        return [{"at_ms": at * 60_000, "viewers": total[at]} for at in range(end - MINUTES, end)]

    def _within(self, asset_id: str, scope: Scope) -> bool:
        film = self.films.get(asset_id)
        if film is None or scope.asset_id not in (None, asset_id):
            return False
        return scope.owner_id is None or owner_of(film) == scope.owner_id


class Listener(Protocol):
    """A dashboard; `gateways.core.sockets.Socket` is one."""

    @property
    def principal(self) -> Principal: ...
    def say(self, document: Mapping[str, Any]) -> None: ...


class Seat:
    """A dashboard that listens, and what it was told last."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.asset_id: str | None = None
        self.watching = False
        self._top: Sequence[Mapping[str, Any]] | None = None

    def watch(self, asset_id: str | None) -> None:
        """From the next tell on it is told of this; first how it stands."""
        self.asset_id, self.watching, self._top = asset_id, True, None

    def tell(self, now: Now) -> None:
        """A snapshot the first time, then what is another: the number always, films where they changed."""
        if not self.watching:
            return
        principal = self.listener.principal
        scope = scope_of(principal, self.asset_id)
        viewers = now.viewers(scope)
        top = [
            {
                "asset_id": key, "viewers": count,
                "title": now.titles.get(key, "") if may_see(principal, now.films[key]) else "",
            }
            for key, count in sorted(viewers.items(), key=lambda item: (-item[1], item[0]))[:TOP]
        ]  # fmt: skip
        said: dict[str, Any] = {"type": "delta", "at_ms": now.at_ms, "viewers": sum(viewers.values())}
        if self._top is None:
            said |= {"type": "snapshot", "asset": self.asset_id, "last_minutes": now.last_minutes(scope)}
        if self._top != top:
            said["top"] = self._top = top
        self.listener.say(said)


class Live:
    """One a gateway. `watched(now_ms)` gives sessions by film, `minutes(end)` by film and minute before."""

    def __init__(
        self,
        watched: Callable[[int], Awaitable[Mapping[str, int]]],
        minutes: Callable[[int], Awaitable[Mapping[str, Mapping[int, int]]]],
        films: ShownFilms,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._watched, self._minutes, self._films, self._clock = watched, minutes, films, clock
        self._seats: set[Seat] = set()
        self._wanted = asyncio.Event()
        self._now: Now | None = None
        self._past: tuple[int, Mapping[str, Mapping[int, int]]] = (-1, {})

    @contextmanager
    def seat(self, listener: Listener) -> Iterator[Seat]:
        """A Seat for as long as it is entered."""
        seat = Seat(listener)
        self._seats.add(seat)
        self._wanted.set()
        try:
            yield seat
        finally:
            self._seats.discard(seat)
            if not self._seats:
                self._wanted.clear()

    def greet(self, seat: Seat) -> None:
        """Tell a new dashboard at once what was read for the others; the first waits for its reading."""
        if self._now is not None and self._clock() * 1000 - self._now.at_ms <= 2 * TICK_S * 1000:
            seat.tell(self._now)

    async def run(self) -> None:
        """Until cancelled; nothing is read while nobody listens."""
        while True:
            await self._wanted.wait()
            began_s = time.monotonic()
            await self.tick()
            await asyncio.sleep(max(0.0, TICK_S - (time.monotonic() - began_s)))

    async def tick(self) -> None:
        """Read once and tell everybody. What is away is tried again next time: until then nobody is told."""
        try:
            now = self._now = await self._read()
            for seat in tuple(self._seats):
                seat.tell(now)
        except (RedisError, OSError, HistoryUnavailable) as error:
            _log.warning("who watches now cannot be read", error=type(error).__name__)
        except Exception as error:
            failures.tell(_log, "dashboards were not told who watches", error)

    async def _read(self) -> Now:
        at_ms = int(self._clock() * 1000)
        by_asset = await self._watched(at_ms)
        minute = at_ms // 60_000
        if self._past[0] != minute:
            try:
                self._past = (minute, await self._minutes(minute))
            except HistoryUnavailable as error:  # the present is told without the past
                _log.warning("who watched before cannot be read", error=type(error).__name__)
                self._past = (minute, {})
        past = self._past[1]
        films = await self._films.documents({*by_asset, *past})
        best = [key for key, _ in Counter({k: n for k, n in by_asset.items() if k in films}).most_common(TOP)]
        titles = await self._films.titles([*best, *self._asked(by_asset, films)])
        return Now(at_ms, by_asset, past, films, titles)

    def _asked(self, by_asset: Mapping[str, int], films: Mapping[str, Document]) -> set[str]:
        """Films that are no top films of all, but of what some dashboard is told of."""
        asked = {seat.asset_id for seat in self._seats if seat.asset_id is not None} & films.keys()
        owners = {scope_of(seat.listener.principal, None).owner_id for seat in self._seats} - {None}
        for owner_id in owners:
            own = {key: n for key, n in by_asset.items() if key in films and owner_of(films[key]) == owner_id}
            asked |= {key for key, _ in Counter(own).most_common(TOP)}
        return asked
