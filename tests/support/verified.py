"""Whether projections and deciders come out the same when they are built anew from the log."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.catalog import topology
from streams.core.clients import redis_client
from streams.core.settings import Settings
from streams.engine.replay import Replay


async def differing(settings: Settings, names: Iterable[str]) -> list[str]:
    """Of the agents `names`, a report of each that differs: [] where all are proved equal."""
    client = redis_client(settings)
    found: list[str] = []
    try:
        for name in names:
            replay = Replay(settings, topology(), name, client, lambda _: None)
            try:
                report = await replay.verify()
            finally:
                await replay.close()
            if not report.equal:
                found.append(f"{name}: {report}")
    finally:
        await client.aclose()
    return found
