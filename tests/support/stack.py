"""One real stack per test run, shared by all xdist workers.

Whichever worker asks first starts it; the others attach. It ends when the run's own process (pytest's
controller) ends, however that happens: the supervisor watches that process.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import launcher, state
from deploy.local.layout import Home
from deploy.local.ports import SERVER_PORTS, free_ports
from deploy.local.stack import service_ports
from schemas.catalog import load_topology


@contextmanager
def shared_stack(folder: Path, controller_pid: int, *, platform: bool) -> Iterator[launcher.Stack]:
    """Attach to the run's stack in `folder`, starting it if nobody has yet.

    Leaving the block does nothing: other workers may still use it.
    """
    home = Home((folder / ("platform" if platform else "servers")).resolve())
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{home.root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if state.running(home.state_file) is None:
            ports = free_ports([*SERVER_PORTS, *service_ports(load_topology())])
            launcher.start(home.root, ports, platform=platform, watch=controller_pid)
    yield launcher.Stack(home)


def controller_pid() -> int:
    """The process whose end is the end of the run: pytest itself, or the parent of an xdist worker."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
