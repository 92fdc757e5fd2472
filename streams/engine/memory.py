"""When the garbage collector looks: now and then, not once per few hundred events.

A chunk makes tens of thousands of containers that live until it is applied and are then freed by their
counts. The collector, started by their number, walks them for nothing: a tenth to a third of the CPU time
of a busy worker. Cycles come from asyncio and tracebacks only, few and slowly.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Final

PERIOD_S: Final = 5.0
PATIENCE: Final = 12  # periods that a busy process may go without a look
BUSY: Final = 100_000  # containers in flight: walking them would hold up everything for a tenth of a second
CONTAINERS: Final = 1_000_000  # made since the last look and alive: then it looks before its time


async def sweep() -> None:
    """Collect every few seconds, less often while much is in flight, until cancelled."""
    waited = 0
    while True:
        await asyncio.sleep(PERIOD_S)
        waited += 1
        if gc.get_count()[0] < BUSY or waited >= PATIENCE:
            gc.collect()
            waited = 0
