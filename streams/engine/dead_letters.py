"""Events that cannot be handled go to `<topic>.dlq` as they came; a flood of them stops the agent instead."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from schemas.keys import dlq_of
from streams.core import metrics
from streams.core.producer import Record
from streams.engine.chunk import Record as LogRecord
from streams.engine.errors import DeadLetterFlood

FLOOD_LETTERS: Final = 200  # within the period below, per agent and process
FLOOD_PERIOD_S: Final = 60.0
NO_KEY: Final = "(none)"


class DeadLetters:
    """Makes one agent's dead letters and counts them. Raises DeadLetterFlood instead of the one too many.

    A letter may be written twice when the process dies before its fence moves: `dlq_agent`, `dlq_topic`,
    `dlq_partition` and `dlq_offset` identify it.
    """

    def __init__(
        self,
        agent: str,
        group: str,
        limit: int = FLOOD_LETTERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._agent, self._group, self._limit, self._clock = agent, group, limit, clock
        self._recent: deque[float] = deque()

    def letter(
        self, topic: str, partition: int, record: LogRecord, error: BaseException, attempts: int = 1
    ) -> Record:
        """The original bytes and headers, with where they stood and why they are here."""
        self._count(topic, error)
        headers = [
            *((name, value) for name, value in record.headers if not name.startswith("dlq_")),
            ("dlq_agent", self._agent.encode()),
            ("dlq_group", self._group.encode()),
            ("dlq_topic", topic.encode()),
            ("dlq_partition", str(partition).encode()),
            ("dlq_offset", str(record.offset).encode()),
            ("dlq_error", type(error).__name__.encode()),
            ("dlq_reason", str(error)[:2000].encode()),
            ("dlq_attempts", str(attempts).encode()),
        ]
        key = (record.key or b"").decode("utf-8", "replace") or NO_KEY
        return Record(dlq_of(topic), key, record.value or b"", headers, record.timestamp)

    def _count(self, topic: str, error: BaseException) -> None:
        now = self._clock()
        self._recent.append(now)
        while self._recent[0] < now - FLOOD_PERIOD_S:
            self._recent.popleft()
        if len(self._recent) > self._limit:
            raise DeadLetterFlood(
                f"{self._agent} would dead-letter more than {self._limit} events of {topic} within "
                f"{FLOOD_PERIOD_S:.0f} s (the last: {error!r}): correct the agent or the producer of these "
                "events, then start it again; nothing is skipped meanwhile"
            )
        metrics.DEAD_LETTERS.labels(topic).inc()
