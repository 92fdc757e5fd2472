"""Orders to a running supervisor: one JSON line in, one out, over a private Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import socket
import tempfile
from pathlib import Path

from deploy.local.supervisor import Supervisor

ORDERS = ("halt", "kill", "resume")


class OrderFailed(RuntimeError):
    """The supervisor refused or could not carry out an order."""


def socket_path(home: Path) -> Path:
    """Short (a Unix socket's path has at most 107 bytes) and particular to one home and user."""
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"kinolog-{os.getuid()}-{digest}.sock"


@contextlib.asynccontextmanager
async def listening(supervisor: Supervisor, path: Path):  # type: ignore[no-untyped-def]
    """Take orders while the block runs."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            order = json.loads(await reader.readline())
            await _carry_out(supervisor, order)
            answer: dict[str, object] = {"ok": True}
        except Exception as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        writer.write(json.dumps(answer).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    _remove(path)
    previous = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(serve, path=str(path))
    finally:
        os.umask(previous)
    try:
        yield
    finally:
        server.close()
        _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _carry_out(supervisor: Supervisor, order: dict[str, str]) -> None:
    name = order["name"]
    if name not in supervisor.children:
        raise OrderFailed(f"no process called {name!r}: there are {', '.join(supervisor.children)}")
    if order["order"] == "halt":
        await supervisor.halt(name)
    elif order["order"] == "kill":
        await supervisor.halt(name, signal.SIGKILL)
    elif order["order"] == "resume":
        await supervisor.resume(name)
    else:
        raise OrderFailed(f"unknown order {order['order']!r}: expected one of {', '.join(ORDERS)}")


def send(path: str, order: str, name: str, timeout_s: float = 300.0) -> None:
    """Give one order and wait until it is done. Raises OrderFailed."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(path)
            connection.sendall(json.dumps({"order": order, "name": name}).encode() + b"\n")
            answer = json.loads(connection.makefile().readline())
    except (OSError, ValueError) as error:
        raise OrderFailed(
            f"{order} {name}: the supervisor does not answer ({error}): is the stack up?"
        ) from error
    if not answer["ok"]:
        raise OrderFailed(f"{order} {name}: {answer['error']}")
