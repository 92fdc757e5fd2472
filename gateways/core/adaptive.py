"""How much at once: a limit on requests in flight that follows from measured latency, and who goes first.

A request is in flight from its arrival (gateways.core.door) until the head of its answer is out: what it
waits for its turn counts. While answers are in time the limit grows, when they are late it falls (after the
Gradient2 limit of Netflix' concurrency-limits). In time is twice as long as in quiet times, for each route
by itself so that a mix of quick and slow ones means nothing; and WELL_S, as CoDel's target: that short a wait
is what keeps a process busy, and nobody notices. What is least important may fill only a part of the limit,
so it is refused first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from aiohttp import web

from gateways.core.problem import Problem, retry_later
from streams.core import metrics

START: Final = 512.0
LEAST: Final = 16.0
MOST: Final = 4096.0
WINDOW_S: Final = 0.05
WINDOW_SAMPLES: Final = 3
TOLERANCE: Final = 2.0  # how much longer than in quiet times is still well
WELL_S: Final = 0.05
WORST: Final = 2.0  # lateness counts up to this: a few that hang do not stand for all
BASE_GROWTH: Final = 0.02  # a second: what is slower for good becomes the new quiet time within minutes


class Priority(IntEnum):
    """What is refused first comes first."""

    BEAT = 0  # counts, analytics
    ORDINARY = 1  # lists, documents, changes
    LICENCE = 2  # what a playback needs to begin
    PLAYBACK = 3  # segments, playlists and heartbeats of running playback
    ALWAYS = 4  # health, uploads and sockets, which have bounds of their own: never refused, never counted


_SHARE: Final = {Priority.BEAT: 0.5, Priority.ORDINARY: 0.8, Priority.LICENCE: 0.9, Priority.PLAYBACK: 1.0}


@dataclass(slots=True)
class _Base:
    """How long a route takes in quiet times, seconds."""

    latency_s: float
    at_s: float

    def lateness(self, latency_s: float, now_s: float) -> float:
        """`latency_s` as a multiple of what is in time, at most WORST. Quiet times are learnt on the way."""
        self.latency_s *= 1 + BASE_GROWTH * min(1.0, now_s - self.at_s)
        self.at_s = now_s
        if latency_s < self.latency_s:
            self.latency_s += 0.1 * (latency_s - self.latency_s)
        return min(WORST, latency_s / max(WELL_S, TOLERANCE * self.latency_s))


class Ticket:
    """One admitted request; `leave` may be called more than once. `name`: its route's, as soon as known."""

    __slots__ = ("_began_s", "_load", "name")

    def __init__(self, load: Load, began_s: float) -> None:
        self._load: Load | None = load
        self._began_s = began_s
        self.name = ""

    def leave(self, measured: bool) -> None:
        """The head of the answer is out, or there will be none; `measured` unless it failed."""
        load, self._load = self._load, None
        if load is not None:
            load.left(self.name if measured else "", self._began_s)


TICKET = web.RequestKey("ticket", Ticket)
SHED = web.RequestKey("shed", bool)
"""Set on a request that found no room: its answer should cost as little as it can."""


class Load:
    """One a service. `clock` gives seconds of any origin."""

    def __init__(self, service: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.limit = START
        self.in_flight = 0
        self._most_in_flight = 0
        self._bases: dict[str, _Base] = {}
        self._lateness, self._samples, self._window_began_s = 0.0, 0, clock()
        self._limit_gauge = metrics.LOAD_LIMIT.labels(service)
        self._shed = {one: metrics.LOAD_SHED.labels(service, one.name.lower()) for one in _SHARE}
        self._limit_gauge.set(START)

    def enter(self, priority: Priority) -> Ticket | None:
        """Admit a request. None if there is no room for its priority."""
        if self.in_flight >= self.limit * _SHARE[priority]:
            self._shed[priority].inc()
            return None
        self.in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self.in_flight)
        return Ticket(self, self._clock())

    def left(self, name: str, began_s: float) -> None:
        """A ticket's request is over; `name` is empty if how long it took means nothing."""
        now_s = self._clock()
        if name:
            latency_s = now_s - began_s
            base = self._bases.get(name)
            if base is None:
                base = self._bases[name] = _Base(latency_s, now_s)
            self._lateness += base.lateness(latency_s, now_s)
            self._samples += 1
        self.in_flight -= 1
        if self._samples >= WINDOW_SAMPLES and now_s - self._window_began_s >= WINDOW_S:
            self._adapt(self._lateness / self._samples)
            self._lateness, self._samples, self._window_began_s = 0.0, 0, now_s
            self._most_in_flight = self.in_flight

    def _adapt(self, lateness: float) -> None:
        room = math.sqrt(self.limit)
        if lateness <= 1 and self._most_in_flight < self.limit / 2:  # it binds nobody: back to the start
            self.limit = max(self.limit, min(START, self.limit + room))
        else:
            tried = min(self.limit, 2.0 * self._most_in_flight)  # nothing is known of what lies beyond
            fits = tried / max(1.0, lateness) + room
            self.limit = min(MOST, max(LEAST, self.limit / 2, fits))
        self._limit_gauge.set(self.limit)


def overloaded() -> Problem:
    """What is answered where there is no room: 503."""
    return retry_later("overloaded", "The gateway answers as much as it can; try again in a moment.", 1)
