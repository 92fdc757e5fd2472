"""`python -m streams.media.confined`: run a program where it reaches one folder and no more.

It reads one JSON line, an Order, confines itself, and runs the program with each list of arguments, one after
the other; it ends with the first status that is not 0. What the program needs besides, it has as descriptors.
Landlock leaves it its own file to run and the folder to write, no other file, no TCP, no signals to others;
system calls that reach other processes, the network or the machine are refused; it has no capabilities;
limits bound memory, the size of a file, time and descriptors. For programs that need no library from a file.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Final, TypedDict

from streams.media import sandbox

MEMORY_BYTES: Final = 1 << 29
CPU_S: Final = 60
UNCONFINED: Final = 111
"""How it ends where the kernel can confine nothing; the program has not been run."""
_DESCRIPTORS: Final = 64  # beside those handed over


class Order(TypedDict):
    """What is to be run. `parent`: its process, with which this one ends."""

    program: str
    folder: str
    runs: list[list[str]]
    largest_bytes: int
    descriptors: int
    allow_unconfined: bool
    parent: int


def main() -> None:
    order: Order = json.loads(sys.stdin.readline())
    sandbox.die_with(order["parent"])
    if not sandbox.confine_to(order["program"], order["folder"]) and not order["allow_unconfined"]:
        sys.exit(UNCONFINED)
    open_files = _DESCRIPTORS + order["descriptors"]
    sandbox.limit(MEMORY_BYTES, open_files=open_files, largest_bytes=order["largest_bytes"])
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))  # of each run
    for arguments in order["runs"]:
        pid = os.posix_spawn(order["program"], [order["program"], *arguments], {})
        if status := os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
            sys.exit(status if status > 0 else 128 - status)


if __name__ == "__main__":
    main()
