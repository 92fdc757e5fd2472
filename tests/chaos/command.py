"""What the long runs share: a platform of their own, the blows it gets, and how it ended."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from deploy.local.launcher import Stack, local_stack

Pause = tuple[float, float]  # seconds between two blows: at least, at most
SHOWN = 20  # faults


@dataclass
class Told:
    """How it ended: exact if there is no fault. `did` says what was done, in words."""

    faults: list[str]
    did: str
    blows: Counter[str]
    seconds: float

    def __str__(self) -> str:
        verdict = "EXACT" if not self.faults else f"WRONG: {len(self.faults)} faults"
        return f"{verdict}: {self.did}, blows {dict(self.blows)}, {self.seconds:.0f} s"


async def deal(stack: Stack, blows: Sequence[str], dice: random.Random, pause_s: Pause) -> None:
    """Kill and start again what each blow names, one after the other."""
    for blow in blows:
        await asyncio.sleep(dice.uniform(*pause_s))
        await asyncio.to_thread(stack.restart, blow)


def run(
    kinds: Sequence[str],
    each: int,
    pause: str,
    seed: int,
    rate_limits: str,
    play: Callable[[Stack, Path, list[str], Pause], Awaitable[Told]],
) -> NoReturn:
    """Play on a new platform with `each` blows of every kind in random order; print, and end with 1 if wrong.

    `pause`: FROM-TO. `rate_limits`: the platform's RATE_LIMITS. `play` gets a folder for what it needs.
    """
    low, high = map(float, pause.split("-"))
    blows = [kind for kind in kinds for _ in range(each)]
    random.Random(seed).shuffle(blows)
    os.environ["RATE_LIMITS"] = rate_limits

    async def played(stack: Stack, folder: Path) -> Told:
        return await play(stack, folder, blows, (low, high))

    with (
        tempfile.TemporaryDirectory(prefix="kinolog-chaos-") as folder,
        local_stack(Path(folder) / "home", platform=True) as stack,
    ):
        told = asyncio.run(played(stack, Path(folder)))
    for fault in told.faults[:SHOWN]:
        print("  ", fault)
    print(told)
    sys.exit(1 if told.faults else 0)
