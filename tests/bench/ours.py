"""`python -m tests.bench.ours APP GROUP`: an app of the bench map as the product runs it.

A fenced agent's events count when their chunk is applied: emitted, flushed, written, and not when its
function saw them. The clock starts when the first chunk comes in.
"""

from __future__ import annotations

import sys

from schemas.catalog import topology
from streams.core.settings import load_settings
from streams.engine.chunk import Chunk
from streams.engine.runtime import run_worker
from streams.engine.transact import Transactor
from tests.bench.agents import meter

apply = Transactor.apply


async def counted(self: Transactor, chunk: Chunk) -> None:
    """Apply, then count what was applied."""
    meter.start()
    before = self.applied.get(chunk.partition, -1)
    await apply(self, chunk)
    meter.count(chunk.last - max(before, chunk.start - 1))


if sys.argv[1] in ("decide", "project"):
    Transactor.apply = counted  # type: ignore[method-assign]
run_worker(load_settings(log_level="WARNING"), topology(), sys.argv[1], group=sys.argv[2])
