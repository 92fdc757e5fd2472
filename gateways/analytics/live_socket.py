"""`GET /v1/live`: the WebSocket of dashboards.

The client says {"type": "watch"}, with "asset" for one film; again for another one. It is told
{"type": "snapshot", at_ms, asset, viewers, top: [{asset_id, title, viewers}], last_minutes: [{at_ms,
viewers}]} and then every second {"type": "delta", at_ms, viewers}, with `top` where it is another.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from gateways.analytics.live import Live
from gateways.core.sockets import Socket

LIVE = web.AppKey("live", Live)
_LONGEST_ID: Final = 100


async def follow(socket: Socket) -> None:
    """Until the client goes. What it may be told is asked again each second, as roles may change."""
    live = socket.app[LIVE]
    with live.seat(socket) as seat:
        while True:
            wrong = _wrong(message := await socket.receive())
            if wrong:
                socket.say({"type": "error", "code": "malformed", "detail": wrong})
            else:
                seat.watch(message.get("asset"))
                live.greet(seat)


def _wrong(message: dict[str, Any]) -> str:
    asset = message.get("asset")
    if message.get("type") != "watch":
        return 'type: send {"type": "watch"}, with "asset" for one film.'
    if asset is not None and not (isinstance(asset, str) and 0 < len(asset) <= _LONGEST_ID):
        return f"asset: send the id of a film, at most {_LONGEST_ID} characters, or leave it out."
    return ""
