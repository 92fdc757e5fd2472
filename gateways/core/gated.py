"""From a handshake to a conversation: the handler of a route that is a WebSocket.

The handshake is an HTTP request like any other; the conversation is a task of its own, which holds nothing of
that request but who was let in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context

from aiohttp import web

from gateways.core.admission import ADMISSION
from gateways.core.problem import Problem, retry_later
from gateways.core.routes import Handler
from gateways.core.sockets import MAX_MESSAGE_BYTES, OF_STATUS, PROTOCOL, Socket, SocketClosed
from gateways.core.wires import Switched, Wire
from streams.core import failures
from streams.core.logging import get_logger

_log = get_logger("gateway.sockets")
Conversation = Callable[[Socket], Awaitable[None]]


def gated(talk: Conversation) -> Handler:
    """The handler of a route with `socket=True`: `talk` runs once the client is let in, until it ends."""

    async def handle(request: web.Request) -> web.StreamResponse:
        ready = web.WebSocketResponse(protocols=(PROTOCOL,)).can_prepare(request)
        if not ready:
            raise Problem("malformed-request", "Connect with a WebSocket: this path takes nothing else.")
        if request.app[ADMISSION].full:
            raise retry_later("overloaded", "This gateway holds as many connections as it can; try again.", 5)
        # Frames are made once for many clients, so none is compressed for one of them.
        wire = Wire(MAX_MESSAGE_BYTES)
        socket, context = Socket(request, wire), copy_context()
        switched = Switched(request, wire, ready.protocol, lambda: _begin(socket, talk, context))
        await switched.prepare(request)
        return switched

    return handle


def _begin(socket: Socket, talk: Conversation, context: Context) -> None:
    task = asyncio.get_running_loop().create_task(_converse(socket, talk), context=context)
    socket.app[ADMISSION].keep(task)


async def _converse(socket: Socket, talk: Conversation) -> None:
    code = 1011  # where nothing else closes it, a bug of ours did
    try:
        await socket.open()
        async with socket.app[ADMISSION].holding(socket):
            await talk(socket)
        code = 1000
    except Problem as refusal:
        code = OF_STATUS.get(refusal.kind.status, 1011)
    except SocketClosed:
        pass
    except Exception as error:
        failures.tell(_log, "a conversation failed", error, route=socket.route.name)
    finally:
        await socket.close(code)
