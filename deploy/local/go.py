"""Starting early: a process loads its code while its servers still start, then waits to be told to go on.

Loading costs each Python process a second or more of CPU. Done while the servers open their files it costs
no time; done afterwards it is most of a start.
"""

from __future__ import annotations

import sys
from typing import Final

GO: Final = b"go\n"


def wait_for_go() -> None:
    """Return when the launcher says so. SystemExit when the launcher is gone without a word."""
    if sys.stdin.buffer.readline() != GO:
        raise SystemExit("The launcher ended before the servers were ready: nothing to run on.")
