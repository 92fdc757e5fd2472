"""A projector for the tests of the lane, and the process that runs it: `python -m ...lane_agents APP SEEKS`.

With SEEKS, partitions are sought anew while records are on their way, until fetched ones were taken back so
many times; a line counts them.
"""

from __future__ import annotations

import sys
from typing import Any

from schemas.event import Event
from streams.engine.agents import State, projector
from streams.engine.lane import Consumer
from streams.engine.ops import Op
from streams.engine.runtime import run_worker


@projector("lane.view")
def view(state: State | None, event: Event) -> tuple[State | None, list[Op]]:
    """Each event's number in order, and a count beside them that no document protects."""
    entries = [*(state or {"entries": []})["entries"], event.data["due_at_ms"]]
    return {"entries": entries}, [Op("HINCRBY", "count", event.key, 1)]


def seek_until_taken_back(times: int) -> None:
    """Of every three fetches that bring records, seek anew while the third is on its way, so many times."""
    fetched, taken = [0], [0]
    wait_next, take_back = Consumer._wait_next_records, Consumer._take_back

    async def sought_meanwhile(self: Any, *args: Any) -> Any:
        records, active = await wait_next(self, *args)
        if records and taken[0] < times:
            fetched[0] += 1
            if fetched[0] % 3 == 0:
                await self.perform_seek()
        return records, active

    async def counted(self: Any) -> None:
        await take_back(self)
        taken[0] += 1
        print(f"taken back {taken[0]} times", flush=True)

    Consumer._wait_next_records = sought_meanwhile
    Consumer._take_back = counted  # type: ignore[method-assign]


def main() -> None:
    from schemas.catalog import topology
    from streams.core.settings import load_settings

    if int(sys.argv[2]):
        seek_until_taken_back(int(sys.argv[2]))
    run_worker(load_settings(log_level="WARNING"), topology(), sys.argv[1])


if __name__ == "__main__":
    from tests.integration.engine import lane_agents  # the map names the module by this name

    lane_agents.main()
