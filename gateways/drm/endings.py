"""`GET /v1/live`: the WebSocket on which a player hears at once that it may not play on.

The client says {"type": "watch", "stream_id", "device_id"} when it has its licence. It is told {"type":
"playing", "stream_id"} and, when the stream has ended or its film is switched off, {"type": "ended", "code":
"stream_ended", "why", "detail"} with what a beat would be answered; that is the end of the conversation.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import RedisError

from gateways.core.projections import View
from gateways.core.sockets import Socket
from gateways.drm.denials import ENDED, ended_words
from gateways.drm.licensing import LICENSING, Licensing, stream_in, switch_in
from gateways.drm.naming import DEVICE, STREAM, account_named
from streams.core import failures
from streams.core.logging import get_logger

_log = get_logger("gateway.drm.endings")
REJOIN_S: Final = 30.0
"""How long nothing may be heard of a stream before it is looked for anew: a rebuilt projection has other
channels."""


@dataclass(frozen=True, slots=True)
class Playing:
    """Who plays where."""

    account_id: str
    device_id: str
    stream_id: str


async def follow(socket: Socket) -> None:
    """Until the client goes or its stream has ended. One connection is about one stream."""
    while wrong := _wrong(message := await socket.receive()):
        socket.say({"type": "error", "code": "malformed", "detail": wrong})
    device_id = message["device_id"]
    account_id = account_named(socket.principal.owner_id, device_id)
    telling = asyncio.create_task(_tell(socket, Playing(account_id, device_id, message["stream_id"])))
    try:
        while True:
            await socket.receive()  # nothing else can be asked; it ends with the connection
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _tell(socket: Socket, playing: Playing) -> None:
    def plays() -> None:
        socket.say({"type": "playing", "stream_id": playing.stream_id})

    licensing = socket.app[LICENSING]
    try:
        why = await ending(licensing, playing, plays)
        socket.say({"type": "ended", "code": ENDED, "why": why, "detail": ended_words(why)})
        if why == "asset_stopped":  # the account's decider knows its own switches, not this one
            await licensing.end_stream(playing.account_id, playing.stream_id)
        await socket.close()
    except (RedisError, OSError):
        await socket.refuse(503)  # the client comes back, and beats tell it meanwhile
    except Exception as error:
        failures.tell(_log, "a player is not told that it may not play on", error)
        await socket.close(1011)


async def ending(licensing: Licensing, playing: Playing, plays: Callable[[], None]) -> str:
    """Returns when the stream has ended, with the switch that did it or "". `plays` is called once it is
    certain that no end goes unheard. Raises RedisError and OSError."""
    account_id, asset_id, told = playing.account_id, "", False
    while True:
        accounts = await licensing.projections.pin(licensing.accounts)
        films = await licensing.projections.pin(licensing.films)
        stream = stream_in(await licensing.account(accounts, account_id), playing.stream_id)
        asset_id = asset_id if stream is None else stream["asset_id"]
        channels = [accounts.tag_of(account_id), films.tag_of(asset_id)]
        async with licensing.hub.watch(channels, [account_id, asset_id]) as news:
            while (why := await _look(licensing, accounts, playing, asset_id)) is None:
                if not told:
                    plays()
                    told = True
                if not await news.changed(REJOIN_S):
                    break
            else:
                return why


async def _look(licensing: Licensing, accounts: View, playing: Playing, asset_id: str) -> str | None:
    """Why it may not play on, None while it may. A switch is there before what plays has gone."""
    document = await licensing.account(accounts, playing.account_id)
    stream, switch = stream_in(document, playing.stream_id), switch_in(document, playing.device_id)
    if not switch and asset_id and (await licensing.access(asset_id))["stopped"]:
        switch = "asset_stopped"
    return switch if stream is None or switch else None


def _wrong(message: dict[str, Any]) -> str:
    if message.get("type") != "watch":
        return 'type: send {"type": "watch"} with the "stream_id" and the "device_id" that beats name.'
    for name, pattern in (("stream_id", STREAM), ("device_id", DEVICE)):
        value = message.get(name)
        if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
            return f"{name}: send the one that beats name."
    return ""
