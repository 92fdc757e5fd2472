"""Where `gateways.analytics.live` reads: who watches in Redis, who watched a moment ago in ClickHouse."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final

from gateways.analytics.filters import day_of
from gateways.analytics.live import MINUTES
from gateways.analytics.reading import Reading
from gateways.core.projections import Projection, in_time
from schemas.analytics.views import VIEWS, WATCHING, view_id_of_watching
from schemas.keys import tag

_SQL: Final = """\
SELECT asset_id, greatest(toInt64(minute), {first:Int64}) AS at, sum(change) AS changes FROM {views} FINAL
ARRAY JOIN mapKeys(active) AS minute, mapValues(active) AS change
WHERE day >= {day:Date} AND last_at_ms >= {first:Int64} * 60000 AND NOT bot AND known AND minute < {end:Int64}
GROUP BY asset_id, at"""


async def watched(reading: Reading, redis: Any, live: Projection, now_ms: int) -> Mapping[str, int]:
    """Sessions that watch now by film: one round trip. Raises RedisError, OSError."""
    version = await reading.projections.version(live.name)
    pipeline = redis.pipeline(transaction=False)
    for partition in range(live.partitions):
        where = f"{tag(live.name, version, partition)}:{WATCHING}"
        pipeline.execute_command("ZRANGE", where, f"({now_ms}", "+inf", "BYSCORE")
    found: Counter[str] = Counter()
    for members in await in_time(pipeline.execute()):
        found.update(view_id_of_watching(member.decode())[1] for member in members)
    return found


async def minutes(reading: Reading, end: int) -> Mapping[str, Mapping[int, int]]:
    """Sessions by film and minute, of the MINUTES before the minute `end`. Raises HistoryUnavailable."""
    first = end - MINUTES
    # A session that has begun two days ago and goes on is not looked for.
    rows = await reading.rows(
        _SQL, {"first": first, "end": end, "day": day_of((first - 2 * 1440) * 60_000)}, views=VIEWS
    )
    changes: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for row in rows:
        changes[row["asset_id"]][row["at"]] = row["changes"]
    return {
        asset_id: dict(enumerate(accumulate(own.get(at, 0) for at in range(first, end)), first))
        for asset_id, own in changes.items()
    }
