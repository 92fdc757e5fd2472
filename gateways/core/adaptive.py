"""How much at once: a limit on requests in flight that follows from measured latency, and who goes first.

A request is in flight until the head of its answer is out. While answers take about as long as they did in
quiet times the limit grows, when they take longer it falls (after the Gradient2 limit of Netflix'
concurrency-limits). Each route is compared with itself, so that a mix of quick and slow ones means nothing.
What is least important may fill only a part of the limit, so it is refused first.
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
LEAST: Final = 40.0
MOST: Final = 4096.0
WINDOW_S: Final = 0.05
WINDOW_SAMPLES: Final = 10
TOLERANCE: Final = 2.0  # how much longer than in quiet times is still well
SMOOTHING: Final = 0.3
BASE_GROWTH: Final = 0.02  # a second: what is slower for good becomes the new quiet time within minutes


class Priority(IntEnum):
    """What is refused first comes first."""

    BEAT = 0  # counts, analytics
    ORDINARY = 1  # lists, documents, changes
    LICENCE = 2  # what a playback needs to begin
    PLAYBACK = 3  # segments, playlists and heartbeats of running playback
    ALWAYS = 4  # health: never refused, never counted


_SHARE: Final = {Priority.BEAT: 0.5, Priority.ORDINARY: 0.8, Priority.LICENCE: 0.9, Priority.PLAYBACK: 1.0}


@dataclass(slots=True)
class _Base:
    """How long a route takes in quiet times, seconds."""

    latency_s: float
    at_s: float

    def ratio(self, latency_s: float, now_s: float) -> float:
        """`latency_s` as a multiple of quiet times, which are learnt on the way."""
        self.latency_s *= 1 + BASE_GROWTH * min(1.0, now_s - self.at_s)
        self.at_s = now_s
        if latency_s < self.latency_s:
            self.latency_s += 0.1 * (latency_s - self.latency_s)
        return latency_s / self.latency_s


class Ticket:
    """One admitted request; `leave` may be called more than once."""

    __slots__ = ("_began_s", "_load", "_name")

    def __init__(self, load: Load, name: str, began_s: float) -> None:
        self._load: Load | None = load
        self._name = name
        self._began_s = began_s

    def leave(self, measured: bool) -> None:
        """The head of the answer is out, or there will be none; `measured` unless it failed."""
        load, self._load = self._load, None
        if load is not None:
            load.left(self._name, self._began_s, measured)


TICKET = web.RequestKey("ticket", Ticket)
SHED = web.RequestKey("shed", bool)
"""Set on a request that found no room: its answer should cost as little as it can."""


class Load:
    """One a service. `clock` gives seconds of any origin."""

    def __init__(self, service: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self._service = service
        self._clock = clock
        self.limit = START
        self.in_flight = 0
        self._most_in_flight = 0
        self._bases: dict[str, _Base] = {}
        self._ratios, self._samples, self._window_began_s = 0.0, 0, clock()
        metrics.LOAD_LIMIT.labels(service).set(START)

    def enter(self, name: str, priority: Priority) -> Ticket:
        """Admit a request of the route `name`. Raises a 503 Problem if there is no room for its priority."""
        if self.in_flight >= self.limit * _SHARE[priority]:
            metrics.LOAD_SHED.labels(self._service, priority.name.lower()).inc()
            raise _overloaded()
        self.in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self.in_flight)
        return Ticket(self, name, self._clock())

    def left(self, name: str, began_s: float, measured: bool) -> None:
        """A ticket's request is over."""
        now_s = self._clock()
        if measured:
            latency_s = now_s - began_s
            base = self._bases.get(name)
            if base is None:
                base = self._bases[name] = _Base(latency_s, now_s)
            self._ratios += base.ratio(latency_s, now_s)
            self._samples += 1
        self.in_flight -= 1
        if self._samples >= WINDOW_SAMPLES and now_s - self._window_began_s >= WINDOW_S:
            self._adapt(self._ratios / self._samples)
            self._ratios, self._samples, self._window_began_s = 0.0, 0, now_s
            self._most_in_flight = self.in_flight

    def _adapt(self, ratio: float) -> None:
        room = math.sqrt(self.limit)
        if ratio <= TOLERANCE and self._most_in_flight < self.limit / 2:  # it binds nobody: back to the start
            self.limit = max(self.limit, min(START, self.limit + room))
        else:
            tried = min(self.limit, 2.0 * self._most_in_flight)  # nothing is known of what lies beyond
            target = tried * max(0.5, min(1.0, TOLERANCE / ratio)) + room
            self.limit = min(MOST, max(LEAST, self.limit + SMOOTHING * (target - self.limit)))
        metrics.LOAD_LIMIT.labels(self._service).set(self.limit)


def _overloaded() -> Problem:
    return retry_later("overloaded", "The gateway answers as much as it can; try again in a moment.", 1)
