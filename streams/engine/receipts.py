"""What a replay found, and the event that tells the log that readers went over to another version."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.errors import EncodeError
from schemas.event import deterministic_id
from streams.core.producer import EventProducer, LogUnavailable, now_ms
from streams.core.settings import Settings
from streams.engine.differences import Differences

RECEIPTS: Final = "engine.projection.events"
REBUILT: Final = "kinolog.engine.ProjectionRebuilt"
TRIES: Final = 3


@dataclass
class Report:
    """What a replay found. Partitions are named by number, those of a table `topic:number`."""

    name: str
    from_version: int
    to_version: int
    offsets: dict[str, int] = field(default_factory=dict)  # partition -> last offset compared, -1: empty
    behind: dict[str, int] = field(
        default_factory=dict
    )  # partition -> records not yet in the running version
    digests: dict[str, str] = field(default_factory=dict)  # partition -> digest of what the log gives
    differing: dict[str, Differences] = field(default_factory=dict)  # only partitions that differ
    records: int = 0
    started_at_ms: int = field(default_factory=now_ms)
    caught_up: dict[str, int] = field(default_factory=dict)  # partition -> offset when readers went over
    went_over: bool = False
    receipt_missing: str = ""  # why the log does not know of it

    @property
    def equal(self) -> bool:
        return not self.differing


async def receipt(
    settings: Settings, report: Report, function: Callable[..., Any], schema_ids: Iterable[int]
) -> str:
    """Tell the log. Gives the reason if that failed, "" otherwise: it never raises for a broker's sake."""
    failures: list[str] = []
    producer = EventProducer(settings, "rebuild", failures.append)
    data = {
        "name": report.name,
        "from_version": report.from_version,
        "to_version": report.to_version,
        "offsets": report.offsets,
        "digests": report.digests,
        "accepted": {p: differences.count for p, differences in report.differing.items()},
        "code_hash": code_hash(function),
        "schema_ids": sorted(schema_ids),
        "records": report.records,
        "started_at_ms": report.started_at_ms,
        "finished_at_ms": now_ms(),
    }
    ce_id = deterministic_id("rebuilt", report.name, str(report.to_version), str(report.started_at_ms))
    try:
        for _ in range(TRIES):
            try:
                await producer.publish(RECEIPTS, report.name, REBUILT, data, ce_id=ce_id)
                return ""
            except (LogUnavailable, EncodeError) as error:
                failures.append(str(error))
        return failures[0]
    finally:
        await producer.close()


def code_hash(function: Callable[..., Any]) -> str:
    """Hash of the modules of the function's domain: what built the version."""
    package = function.__module__.rpartition(".")[0]
    texts = []
    for name in sorted(sys.modules):
        if name == function.__module__ or name.rpartition(".")[0] == package:
            try:
                texts.append(inspect.getsource(sys.modules[name]))
            except (OSError, TypeError):
                continue
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
