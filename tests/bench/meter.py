"""Measures a process from inside: events, wall and CPU seconds between its first and its last event.

CPU is the whole process', all threads: consumer, producer and event loop. Used by ours and by every peer,
so it imports the standard library only.
"""

from __future__ import annotations

import json
import os
import time


class Meter:
    """Ends the process with one line of JSON when `events` were counted."""

    def __init__(self, events: int, skip: int = 2_000) -> None:
        """The first `skip` events warm up: the clock starts after them."""
        self._left, self._skip, self._events = events, skip, events - skip
        self._wall = self._cpu = 0.0

    @classmethod
    def from_environment(cls) -> Meter:
        """BENCH_EVENTS; without it nothing is ever printed."""
        return cls(int(os.environ.get("BENCH_EVENTS", str(2**60))))

    def start(self) -> None:
        """Start the clock at once, if it does not run yet: nothing is left out as warming up."""
        if not self._wall:
            self._events += max(self._skip, 0)
            self._skip = 0
            self._wall, self._cpu = time.perf_counter(), time.process_time()

    def count(self, n: int = 1) -> None:
        """Count `n` more events, handled or about to be."""
        self._left -= n
        if self._skip > 0:
            self._skip -= n
            if self._skip <= 0:
                self._events += self._skip
                self._wall, self._cpu = time.perf_counter(), time.process_time()
        if self._left <= 0:
            wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
            figures = json.dumps({"events": self._events, "wall_s": wall, "cpu_s": cpu})
            # Not print: Faust sends that to its log. A line of its own, whatever drew on the terminal.
            os.write(1, f"\n{figures}\n".encode())
            os._exit(0)
