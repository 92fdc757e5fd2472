"""How seldom the garbage collector looks: its default, by the number of containers, suits small programs."""

from __future__ import annotations

import gc
from typing import Final

GENERATIONS: Final = 10
"""Looks at the younger containers for one at the older ones."""


def settle(containers: int) -> None:
    """Call once when everything is imported and built: it stays, so it is never looked at again.

    From then on the collector looks when `containers` were made since its last look and are alive.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(containers, GENERATIONS, GENERATIONS)
