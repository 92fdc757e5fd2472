"""What was delivered, as analytics hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from gateways.core.countries import Countries
from gateways.core.viewing import Viewing
from gateways.media import delivered
from gateways.media.delivered import Delivered
from streams.core.producer import LogUnavailable
from tests.unit.gateways.analytics.stage import Log
from tests.unit.gateways.conftest import SECRET, Gateway
from tests.unit.gateways.films import PROFILE, Film

CMCD = 'bl=4000,br=2928,bs,cid="anything",d=2000,mtp=9000,ot=v,sf=h,sid="session-1",st=v,tb=2928'


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def told(gateway: Gateway, log: Log, monkeypatch: pytest.MonkeyPatch) -> Delivered:
    """What the gateway tells, told when the test says so."""
    made = Delivered(log, Viewing(SECRET.encode()), Countries(None))
    object.__setattr__(gateway.media, "delivered", made)
    return made


@pytest.fixture
async def film(gateway: Gateway) -> Film:
    made = Film(gateway.world, gateway.objects, (await gateway.upload(b"film"))["id"])
    await made.ready()
    return made


def path(film: Film, name: str = "3.m4s", rendition: str = "720p") -> str:
    return f"/v1/assets/{film.asset_id}/media/{PROFILE}/{rendition}/{name}"


async def fetch(gateway: Gateway, where: str, cmcd: str | None = None, **headers: str) -> int:
    query = {} if cmcd is None else {"CMCD": cmcd}
    named = {"Authorization": "Bearer kino_test_key", **headers}
    answer = await gateway.client.get(where, params=query, headers=named)
    assert answer.status < 400, await answer.text()
    return len(await answer.read())


async def test_segments_of_a_session_are_one_event_with_what_the_player_said(
    gateway: Gateway, film: Film, told: Delivered, log: Log
) -> None:
    size = await fetch(gateway, path(film), CMCD)
    await fetch(gateway, path(film, "4.m4s"), CMCD)
    await told.flush()
    [(topic, kind, event)] = log.events
    assert (topic, kind) == ("analytics.playback.events", "kinolog.analytics.SegmentsServed")
    assert event["view_id"] == Viewing(SECRET.encode()).view_id("session-1", film.asset_id, None)
    assert (event["asset_id"], event["film_ms"], event["player"]) == (film.asset_id, 10_000, "HLS")
    first = dict(event["segments"][0])
    assert first.pop("at_ms") > 1_700_000_000_000
    assert first == {
        "number": 3, "rendition": "720p", "start_ms": 2000, "duration_ms": 2000, "bytes": size, "cmcd": True,
        "starved": True, "bitrate_kbps": 2928,
    }  # fmt: skip
    assert "session-1" not in str(event)


async def test_the_record_may_come_in_headers(
    gateway: Gateway, film: Film, told: Delivered, log: Log
) -> None:
    headers = {"CMCD-Object": "br=800,d=2000,ot=v", "CMCD-Session": 'sid="s",sf=d', "CMCD-Request": "mtp=100"}
    await fetch(gateway, path(film), **headers)
    await told.flush()
    [(_, _, event)] = log.events
    assert (event["player"], event["segments"][0]["bitrate_kbps"]) == ("DASH", 800)


@pytest.mark.parametrize("cmcd", [None, "", "not CMCD at all", "bl=1", 'sid="' + "x" * 65 + '"', "é"])
async def test_what_names_no_session_counts_as_bytes_of_its_film(
    gateway: Gateway, film: Film, told: Delivered, log: Log, cmcd: str | None
) -> None:
    size = await fetch(gateway, path(film), cmcd)
    size += await fetch(gateway, path(film, "init.mp4"), CMCD)
    await told.flush()
    [(_, _, event)] = log.events
    assert event["view_id"] == f"asset:{film.asset_id}"
    assert (event["viewer"], event["device"]) == ("", "other")
    assert [each["cmcd"] for each in event["segments"]] == [False, False]
    assert sum(each["bytes"] for each in event["segments"]) == size


async def test_parts_count_as_they_are_and_what_was_not_sent_counts_nothing(
    gateway: Gateway, film: Film, told: Delivered, log: Log
) -> None:
    assert await fetch(gateway, path(film), CMCD, Range="bytes=0-99") == 100
    answer = await gateway.client.head(path(film), headers={"Authorization": "Bearer kino_test_key"})
    assert answer.status == 200
    tag = answer.headers["ETag"]
    await fetch(gateway, path(film), CMCD, **{"If-None-Match": tag})
    await told.flush()
    [(_, _, event)] = log.events
    assert [each["bytes"] for each in event["segments"]] == [100]


async def test_the_log_away_is_waited_for_and_told_once(
    gateway: Gateway, film: Film, told: Delivered, log: Log
) -> None:
    await fetch(gateway, path(film), CMCD)
    await fetch(gateway, path(film), "")
    log.away = True
    await told.flush()
    assert log.tried == 2
    await fetch(gateway, path(film, "4.m4s"), CMCD)
    await told.flush()
    assert log.tried == 3  # one finds out for all
    assert log.events == []
    log.away = False
    await told.flush()
    await told.flush()
    assert sorted(event["segments"][0]["number"] for _, _, event in log.events) == [3, 3, 4]
    assert len(set(log.ids)) == 3


async def test_the_same_event_is_told_again_by_the_same_id(
    gateway: Gateway, film: Film, told: Delivered, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []

    async def lost(*_: Any, ce_id: str | None = None, **__: Any) -> None:
        tried.append(ce_id)
        raise LogUnavailable("the acknowledgement was lost")

    await fetch(gateway, path(film), CMCD)
    with monkeypatch.context() as patched:
        patched.setattr(log, "publish", lost)
        await told.flush()
        await told.flush()
    await told.flush()
    assert tried == [log.ids[0]] * 2


async def test_what_waits_is_bounded(
    gateway: Gateway, film: Film, told: Delivered, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivered, "MOST_WAITING", 2)
    log.away = True
    for number in range(4):
        await fetch(gateway, path(film, f"{number}.m4s"), CMCD)
        await told.flush()
    log.away = False
    await told.flush()
    assert sum(len(event["segments"]) for _, _, event in log.events) == 2
    await fetch(gateway, path(film), CMCD)
    await told.flush()
    assert sum(len(event["segments"]) for _, _, event in log.events) == 3


async def test_closing_tells_the_rest(gateway: Gateway, film: Film, told: Delivered, log: Log) -> None:
    await fetch(gateway, path(film), CMCD)
    told.close()
    await told.run()
    assert len(log.events) == 1
