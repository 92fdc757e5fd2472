"""A rebuild that stops for ever before a step, so that a test kills it there.

`python -m tests.integration.engine.rebuilder WORLD MAP NAME STEP`: STEP is a method of Replay, or `apply`:
the second chunk of the new version.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from schemas.catalog import load_topology
from streams.core.clients import redis_client
from streams.core.settings import load_settings
from streams.engine.replay import Replay
from tests.integration.engine.world import install

REACHED = "reached"


async def main(world: str, path: str, name: str, step: str) -> None:
    install(world)
    settings = load_settings()
    replay = Replay(settings, load_topology(Path(path)), name, redis_client(settings), lambda _: None)

    async def reached(*_: Any) -> None:
        print(REACHED, flush=True)
        await asyncio.Event().wait()

    if step == "apply":
        make = replay.versions.open

        async def opened(version: int) -> Any:
            apply, chunks = await make(version), 0

            async def applied(chunk: Any) -> None:
                nonlocal chunks
                chunks += 1
                await (apply if chunks == 1 else reached)(chunk)

            return applied

        replay.versions.open = opened  # type: ignore[method-assign]
    else:
        setattr(replay, step, reached)
    await replay.rebuild()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
