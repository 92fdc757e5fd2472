"""`python -m deploy.local HOME PORTS_JSON`: the supervisor process of one stack. Started by `launcher.py`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path

import psutil

from deploy.local import control, stack
from deploy.local.credentials import load_credentials
from deploy.local.environment import platform_environment, write_environment, write_topology
from deploy.local.layout import Home
from deploy.local.state import State, end_leftovers, is_alive
from deploy.local.supervisor import Supervisor
from schemas.catalog import load_topology

WATCH_EVERY_S = 0.5


async def supervise(home: Home, ports: dict[str, int], *, platform: bool, watch: int | None) -> int:
    """Start the stack, keep it up until SIGTERM/SIGINT (or until process `watch` ends), stop it."""
    me = psutil.Process()
    state = State(
        pid=me.pid, created_at=me.create_time(), started_at=time.time(), ports=ports, platform=platform
    )
    state.control = str(control.socket_path(home.root))
    credentials = load_credentials(home)
    write_topology(home, load_topology(), ports)
    write_environment(home, platform_environment(home, ports, credentials))
    specs = stack.all_specs(home, ports, credentials, platform=platform)
    supervisor = Supervisor(specs, state, home.state_file, home.logs)
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    watcher = asyncio.create_task(_end_with(watch, ending)) if watch is not None else None
    code = 0
    async with control.listening(supervisor, Path(state.control)):
        starting = asyncio.create_task(supervisor.start())
        ended = asyncio.create_task(ending.wait())
        await asyncio.wait({starting, ended}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and starting.exception() is not None:
            state.error, code = _first_reason(starting.exception()), 1
        else:
            await ended
            starting.cancel()
        with contextlib.suppress(BaseException):
            await starting
        await supervisor.stop()
    if watcher is not None:
        watcher.cancel()
    if code:
        state.phase = "failed"
        supervisor.publish()
    return code


async def _end_with(pid: int, ending: asyncio.Event) -> None:
    """Set `ending` when the process that asked for this stack is gone."""
    with contextlib.suppress(psutil.Error):
        created_at = psutil.Process(pid).create_time()
        while is_alive(pid, created_at):  # noqa: ASYNC110 - nothing tells of a foreign process's end
            await asyncio.sleep(WATCH_EVERY_S)
    ending.set()


def _first_reason(error: BaseException | None) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def main() -> None:
    """One supervisor per home: a second one ends at once with code 3."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("ports", type=json.loads)
    parser.add_argument("--servers-only", action="store_true")
    parser.add_argument("--watch", type=int, help="stop when this process ends")
    arguments = parser.parse_args()
    home = Home(arguments.home)
    home.create()
    lock = os.open(home.run / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.stderr.write(f"Another supervisor runs the stack of {home.root}: `kinolog down` ends it.\n")
        raise SystemExit(3) from None
    end_leftovers(home.state_file)
    raise SystemExit(
        asyncio.run(
            supervise(home, arguments.ports, platform=not arguments.servers_only, watch=arguments.watch)
        )
    )


if __name__ == "__main__":
    main()
