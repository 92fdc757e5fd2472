"""The state file: what runs, where it listens, how far the start is. The supervisor writes it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil


@dataclass
class ProcessState:
    """One process of the stack. `created_at` tells it from a later process with the same pid."""

    name: str
    status: str = "waiting"  # waiting, starting, ready, backoff, stopping, stopped
    pid: int | None = None
    created_at: float | None = None
    restarts: int = 0
    ready_after_s: float | None = None
    detail: str = ""


@dataclass
class State:
    """The whole stack. `phase`: starting, ready, stopping, stopped, failed (then `error` says why)."""

    phase: str = "starting"
    error: str | None = None
    pid: int = 0
    created_at: float = 0.0
    started_at: float = 0.0
    ready_after_s: float | None = None
    platform: bool = True
    ports: dict[str, int] = field(default_factory=dict)
    control: str = ""
    processes: list[ProcessState] = field(default_factory=list)

    def process(self, name: str) -> ProcessState:
        """The process or step called `name`."""
        return next(process for process in self.processes if process.name == name)


def write(path: Path, state: State) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(state), indent=1))
    temporary.replace(path)


def read(path: Path) -> State | None:
    """The state, or None if there is none (or none that can be read: treated as none)."""
    try:
        raw = json.loads(path.read_text())
        processes = [ProcessState(**entry) for entry in raw.pop("processes")]
        return State(**raw, processes=processes)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def is_alive(pid: int | None, created_at: float | None) -> bool:
    """True if that very process still runs (a pid alone may have been given to another)."""
    if not pid or created_at is None:
        return False
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created_at) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def running(path: Path) -> State | None:
    """The state of a stack whose supervisor lives; None otherwise."""
    state = read(path)
    return state if state and is_alive(state.pid, state.created_at) else None


def end_leftovers(path: Path, grace_s: float = 4.0) -> list[str]:
    """End what a killed supervisor left behind, by the pids it wrote down; returns their names.

    Only processes whose start time matches are touched, each with its own group.
    """
    state = read(path)
    if state is None or is_alive(state.pid, state.created_at):
        return []
    left = [process for process in state.processes if is_alive(process.pid, process.created_at)]
    for process in left:
        signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while any(is_alive(process.pid, process.created_at) for process in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in left:
        signal_group(process.pid, signal.SIGKILL)
    return [process.name for process in left]


def signal_group(pid: int | None, number: signal.Signals) -> None:
    """Signal a process group that we made (its leader is the process we started)."""
    if pid:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
