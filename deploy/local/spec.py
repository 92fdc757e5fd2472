"""What the supervisor runs: processes and one-time steps, each with what must be ready before it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path


class NotReady(Exception):
    """A readiness probe's answer "not yet", with the reason a person would want to read on a time-out."""


@dataclass(frozen=True)
class ProcessSpec:
    """A process to keep running.

    `prepare` runs before every start (also after a crash) and must be safe to repeat; `ready` raises
    NotReady, or any error of a client, until the process truly serves.
    """

    name: str
    command: list[str]
    ready: Callable[[], Awaitable[None]]
    after: tuple[str, ...] = ()
    # Started at once, it loads its code while these still start; then it gets a line on its standard input
    # (see `go.py`) and its readiness is asked for.
    go_after: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    prepare: Callable[[], None] | None = None
    start_timeout_s: float = 240.0  # of a machine that is slow or busy; one that ends is told at once
    stop_grace_s: float = 4.0
    # Processes of a higher tier stop first: 0 servers, 1 workers, 2 gateways.
    tier: int = 0


@dataclass(frozen=True)
class StepSpec:
    """Something to do once per start of the stack (make topics, a bucket, a database); safe to repeat."""

    name: str
    run: Callable[[], Awaitable[None]]
    after: tuple[str, ...] = ()


Spec = ProcessSpec | StepSpec
