"""What a player hears on its socket: nothing while it may play, and the end with its reason at once."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from redis.asyncio import Redis

from gateways.drm import endings
from gateways.drm.denials import words_of
from schemas.drm.views import ACCOUNTS
from schemas.keys import pointer_key
from tests.unit.gateways.drm.conftest import FILM, PHONE, TV, Cinema

WAIT_S = 60.0


async def listen(cinema: Cinema, stream_id: str, device: str = TV) -> ClientWebSocketResponse:
    socket = await cinema.client.ws_connect("/v1/live", protocols=("kinolog.v1",))
    assert await hear(socket) == {"type": "ready"}
    await socket.send_json({"type": "watch", "stream_id": stream_id, "device_id": device})
    return socket


async def hear(socket: ClientWebSocketResponse) -> Any:
    return await socket.receive_json(timeout=WAIT_S)


async def played(cinema: Cinema, device: str = TV) -> tuple[str, ClientWebSocketResponse]:
    """A stream that counts, and the socket of its player."""
    made = await cinema.ask_token(device)
    assert (await cinema.licence(made["token"]))[0] == 200
    stream_id = str(made["stream_id"])
    socket = await listen(cinema, stream_id, device)
    assert await hear(socket) == {"type": "playing", "stream_id": stream_id}
    return stream_id, socket


async def ended(socket: ClientWebSocketResponse) -> str:
    """Why; it is the last word."""
    told = await hear(socket)
    assert (told["type"], told["code"]) == ("ended", "stream_ended")
    assert told["detail"] == (words_of(told["why"]) if told["why"] else told["detail"])
    assert (await socket.receive(timeout=WAIT_S)).type == WSMsgType.CLOSE
    assert socket.close_code == 1000
    return str(told["why"])


async def switch(cinema: Cinema, path: str) -> None:
    off = {"stopped": True}
    answer = await cinema.client.put(path, json=off, headers={"Authorization": "Bearer kino_test_key"})
    assert answer.status == 200, await answer.text()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (f"/v1/accounts/guest:{TV}/stop", "account_stopped"),
        (f"/v1/accounts/guest:{TV}/devices/{TV}/stop", "device_stopped"),
        (f"/v1/films/{FILM}/stop", "asset_stopped"),
    ],
)
async def test_a_switch_is_heard_with_its_name(cinema: Cinema, path: str, why: str) -> None:
    _, socket = await played(cinema)
    _, other = await played(cinema, PHONE)
    await switch(cinema, path)
    assert await ended(socket) == why
    if why == "asset_stopped":
        assert await ended(other) == why
    else:  # another account plays on
        await switch(cinema, f"/v1/films/{FILM}/stop")
        assert await ended(other) == "asset_stopped"


async def test_what_a_switched_off_film_played_counts_no_more(cinema: Cinema) -> None:
    stream_id, socket = await played(cinema)
    await switch(cinema, f"/v1/films/{FILM}/stop")
    assert await ended(socket) == "asset_stopped"
    assert cinema.world.names()[-1] == "PlaybackStopped"
    again = {"stream_id": stream_id, "device_id": TV}
    assert (await cinema.client.post("/v1/beats", json=again)).status == 409


async def test_a_stop_from_elsewhere_is_heard_and_a_beat_is_none(cinema: Cinema) -> None:
    stream_id, socket = await played(cinema)
    beat = {"stream_id": stream_id, "device_id": TV}
    assert (await cinema.client.post("/v1/beats", json=beat)).status == 200
    path = f"/v1/streams/{stream_id}?device_id={TV}"
    assert (await cinema.client.delete(path)).status == 200
    assert await ended(socket) == ""


async def test_what_does_not_play_has_ended(cinema: Cinema) -> None:
    stream_id, first = await played(cinema)
    await cinema.client.delete(f"/v1/streams/{stream_id}?device_id={TV}")
    assert await ended(first) == ""
    assert await ended(await listen(cinema, stream_id)) == ""
    # Of somebody else's stream nothing is told: for who asks, none of this name plays.
    stream_id, _ = await played(cinema)
    assert await ended(await listen(cinema, stream_id, PHONE)) == ""


async def test_a_rebuilt_projection_is_looked_at(
    cinema: Cinema, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "REJOIN_S", 0.01)
    _, socket = await played(cinema)
    await redis.set(pointer_key(ACCOUNTS), 2)  # which says nothing of this stream, on no channel of before
    assert await ended(socket) == ""


async def test_what_is_no_watch_is_told_so(cinema: Cinema) -> None:
    socket = await cinema.client.ws_connect("/v1/live", protocols=("kinolog.v1",))
    assert await hear(socket) == {"type": "ready"}
    for wrong, word in (
        ({"type": "look"}, "type"),
        ({"type": "watch", "device_id": TV}, "stream_id"),
        ({"type": "watch", "stream_id": 7, "device_id": TV}, "stream_id"),
        ({"type": "watch", "stream_id": "a" * 32, "device_id": "not a device"}, "device_id"),
    ):
        await socket.send_json(wrong)
        told = await hear(socket)
        assert (told["type"], told["code"], told["detail"].partition(":")[0]) == ("error", "malformed", word)
