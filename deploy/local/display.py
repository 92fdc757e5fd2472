"""Progress for a person: one line a step as it becomes ready; a spinner for what waits, on a terminal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.status import Status

from deploy.local.state import State


class StartDisplay:
    """Call it with every new state. Lines go to stderr, so that stdout stays for results."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: set[str] = set()
        self._began = time.monotonic()
        self._status: Status | None = console.status("starting") if console.is_terminal else None

    def __enter__(self) -> StartDisplay:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, state: State) -> None:
        """Print what has become ready since the last call."""
        for process in state.processes:
            if process.status == "ready" and process.name not in self._shown:
                self._shown.add(process.name)
                took = f"{process.ready_after_s or 0:5.1f} s"
                self._console.print(f"  [green]✓[/] {process.name:<20} ready after {took}", highlight=False)
        waiting = [process.name for process in state.processes if process.status == "starting"]
        if self._status is not None and waiting:
            seconds = time.monotonic() - self._began
            self._status.update(f"starting {', '.join(waiting)} ({seconds:.0f} s)")


def console() -> Console:
    """The console for progress: stderr, plain when it is not a terminal."""
    return Console(stderr=True, soft_wrap=True)
