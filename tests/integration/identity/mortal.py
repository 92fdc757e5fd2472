"""A gateway process of the identity service that kills itself (SIGKILL) at a chosen step of a request.

Its steps are the moments after each write to the vault or the log, and the one before the answer: between
two of them nothing that lasts changes, so these are all the places where it can die.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from deploy.local.launcher import Stack
from deploy.local.layout import Home
from gateways.core.app import create_app
from gateways.core.deps import CoreDeps
from gateways.core.gate import guard_of
from gateways.core.platform import Platform
from gateways.identity.service import build
from schemas.catalog import topology
from streams.core.producer import EventProducer
from streams.core.vault import Vault

START_S: Final = 120  # of a busy machine
# A server that has everything imported forks a process in milliseconds.
_PROCESSES: Final = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


@contextmanager
def mortal(stack: Stack, deadly: int) -> Iterator[str]:
    """Base URL of a gateway that dies at step `deadly` (from 1) of its first request, if it has so many."""
    ours, theirs = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_serve, args=(stack.home.root, deadly, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(START_S), "the gateway did not start"
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


def _serve(root: Path, deadly: int, told: Connection) -> None:
    asyncio.run(_listen(Stack(Home(root)), deadly, told))


async def _listen(stack: Stack, deadly: int, told: Connection) -> None:
    left = deadly
    asked = False

    def step() -> None:
        nonlocal left
        left -= asked
        if asked and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def write(*positional: Any, **options: Any) -> Any:
            found = await real(*positional, **options)
            step()
            return found

        return write

    @web.middleware
    async def watched(request: web.Request, handler: Callable[..., Awaitable[Any]]) -> Any:
        nonlocal asked
        asked = True
        response = await handler(request)
        step()
        return response

    for owner, name in ((Vault, "put"), (Vault, "swap"), (Vault, "delete"), (EventProducer, "publish")):
        setattr(owner, name, counted(getattr(owner, name)))
    async with AsyncExitStack() as clients:
        platform = Platform(stack.settings, topology(), clients)
        app = create_app(await build(platform), CoreDeps(guard=await guard_of(platform)))
        app.middlewares.insert(0, watched)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        told.send(runner.addresses[0][1])
        await asyncio.Event().wait()
