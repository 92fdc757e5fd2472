"""Manifests, segments, pictures: what is there, what is not yet, what never will be."""

from __future__ import annotations

import os
import signal

import pytest
from redis.asyncio import Redis

from gateways.core import projections
from gateways.media.storyboard import web_vtt
from tests.unit.gateways.conftest import BEARER, Gateway
from tests.unit.gateways.films import PROFILE, Film


@pytest.fixture
async def film(gateway: Gateway) -> Film:
    return Film(gateway.world, gateway.objects, (await gateway.upload(b"film"))["id"])


def base(film: Film) -> str:
    return f"/v1/assets/{film.asset_id}"


def segment(film: Film, rendition: str = "360p", name: str = "0.m4s", profile: str = PROFILE) -> str:
    return f"{base(film)}/media/{profile}/{rendition}/{name}"


async def test_before_the_first_chunk_everything_is_too_early(gateway: Gateway, film: Film) -> None:
    await film.probed()
    for path in ("hls/master.m3u8", "hls/360p.m3u8", "dash/manifest.mpd", "poster.jpg", "storyboard.vtt"):
        answer = await gateway.get(f"{base(film)}/{path}")
        assert answer.status == 425
        assert answer.headers["Retry-After"] == "1"


async def test_a_playable_film_has_hls_of_what_is_there(gateway: Gateway, film: Film) -> None:
    await film.probed()
    await film.encoded(0)
    master = await gateway.get(f"{base(film)}/hls/master.m3u8")
    assert master.content_type == "application/vnd.apple.mpegurl"
    assert "RESOLUTION=1280x720" in await master.text()
    media = await (await gateway.get(f"{base(film)}/hls/720p.m3u8")).text()
    assert media.count("#EXTINF") == 3
    assert "EXT-X-ENDLIST" not in media
    assert f"../media/{PROFILE}/720p/2.m4s" in media
    assert (await gateway.get(f"{base(film)}/dash/manifest.mpd")).status == 425


async def test_a_playlist_grows_and_is_revalidated(gateway: Gateway, film: Film) -> None:
    await film.probed()
    await film.encoded(0)
    path = f"{base(film)}/hls/360p.m3u8"
    first = await gateway.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    same = await gateway.get(path, If_None_Match=first.headers["ETag"])
    assert same.status == 304
    await film.encoded(1)
    grown = await gateway.get(path, If_None_Match=first.headers["ETag"])
    assert grown.status == 200
    assert (await grown.text()).count("#EXTINF") == 5


async def test_a_ready_film_has_hls_dash_pictures(gateway: Gateway, film: Film) -> None:
    await film.ready()
    for path, kind, said in [
        ("/hls/audio.m3u8", "application/vnd.apple.mpegurl", "#EXT-X-ENDLIST"),
        ("/hls/storyboard.m3u8", "application/vnd.apple.mpegurl", "#EXT-X-TILES"),
        ("/dash/manifest.mpd", "application/dash+xml", "SegmentTimeline"),
        ("/storyboard.vtt", "text/vtt", "storyboard/0.jpg#xywh=160,0,160,90"),
    ]:
        answer = await gateway.get(base(film) + path)
        assert (answer.status, answer.content_type) == (200, kind)
        assert said in await answer.text()
    for path in ("/poster.jpg", "/storyboard/0.jpg"):
        answer = await gateway.get(base(film) + path)
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert (await answer.read()).startswith(b"\xff\xd8")


async def test_the_poster_comes_before_the_storyboard(gateway: Gateway, film: Film) -> None:
    await film.probed()
    assert (await gateway.get(f"{base(film)}/poster.jpg")).status == 425
    await film.encoded(0, poster=True)
    links = (await (await gateway.get(base(film))).json())["links"]
    assert (links["poster"], links["storyboard"]) == (f"{base(film)}/poster.jpg", None)
    assert (await gateway.get(links["poster"])).status == 200
    assert (await gateway.get(f"{base(film)}/storyboard.vtt")).status == 425


async def test_segments_are_immutable_and_of_their_type(gateway: Gateway, film: Film) -> None:
    await film.ready()
    answer = await gateway.get(segment(film))
    assert answer.status == 200
    assert answer.content_type == "video/mp4"
    assert "immutable" in answer.headers["Cache-Control"]
    assert "private" in answer.headers["Cache-Control"]
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert await answer.read() == b"360p 0 " * 100
    assert (await gateway.get(segment(film), If_None_Match=answer.headers["ETag"])).status == 304
    assert (await gateway.get(segment(film, "audio"))).content_type == "audio/mp4"
    assert (await gateway.get(segment(film, "audio", "init.mp4"))).content_type == "audio/mp4"
    head = await gateway.client.head(segment(film), headers=BEARER)
    assert head.headers["Content-Length"] == "700"


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, 700),
        ("bytes=-5", 206, 695, 700),
        ("bytes=690-9999", 206, 690, 700),
        ("bytes=-9999", 206, 0, 700),
        ("bytes=0-0,5-6", 200, 0, 700),
        ("bytes=9-3", 200, 0, 700),
        ("bytes=-", 200, 0, 700),
        ("lines=1-2", 200, 0, 700),
        (f"bytes={'9' * 5000}-", 200, 0, 700),
        (f"bytes=0-{'9' * 5000}", 200, 0, 700),
    ],
)
async def test_ranges(gateway: Gateway, film: Film, asked: str, status: int, start: int, end: int) -> None:
    await film.ready()
    answer = await gateway.get(segment(film), Range=asked)
    assert answer.status == status
    assert await answer.read() == (b"360p 0 " * 100)[start:end]
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/700"


@pytest.mark.parametrize("asked", ["bytes=700-", "bytes=9999-10000", "bytes=-0"])
async def test_a_range_beyond_the_object_is_416_with_its_size(
    gateway: Gateway, film: Film, asked: str
) -> None:
    await film.ready()
    answer = await gateway.get(segment(film), Range=asked)
    assert answer.status == 416
    assert answer.headers["Content-Range"] == "bytes */700"


async def test_if_range_of_another_entity_gives_the_whole(gateway: Gateway, film: Film) -> None:
    await film.ready()
    etag = (await gateway.get(segment(film))).headers["ETag"]
    assert (await gateway.get(segment(film), Range="bytes=0-1", If_Range=etag)).status == 206
    assert (await gateway.get(segment(film), Range="bytes=0-1", If_Range='"other"')).status == 200


async def test_large_objects_stream_whole_and_in_ranges(gateway: Gateway, film: Film) -> None:
    await film.ready()
    large = bytes(range(256)) * 8192
    gateway.objects.objects[f"assets/{film.asset_id}/{PROFILE}/720p/1.m4s"] = large
    whole = await gateway.get(segment(film, "720p", "1.m4s"))
    assert await whole.read() == large
    part = await gateway.get(segment(film, "720p", "1.m4s"), Range="bytes=1000-1500000")
    assert await part.read() == large[1000:1500001]


@pytest.mark.parametrize(
    ("rendition", "name", "profile", "status"),
    [
        ("360p", "0.m4s", PROFILE, 200),
        ("360p", "5.m4s", PROFILE, 425),
        ("360p", "99.m4s", PROFILE, 404),
        ("1080p", "0.m4s", PROFILE, 404),
        ("360p", "0.m4s", "fedcba", 404),
        ("360p", "x.m4s", PROFILE, 404),
        ("360p", "..%2F..%2Fsecret", PROFILE, 404),
    ],
)
async def test_not_yet_is_not_never(
    gateway: Gateway, film: Film, rendition: str, name: str, profile: str, status: int
) -> None:
    await film.probed()
    await film.encoded(0)
    assert (await gateway.get(segment(film, rendition, name, profile))).status == status


async def test_a_deleted_film_plays_no_more(gateway: Gateway, film: Film) -> None:
    await film.ready()
    await gateway.client.delete(base(film), headers=BEARER)
    for path in (f"{base(film)}/hls/master.m3u8", segment(film), f"{base(film)}/poster.jpg"):
        assert (await gateway.get(path)).status == 410


async def test_an_object_that_is_gone_is_404(gateway: Gateway, film: Film) -> None:
    await film.ready()
    gateway.objects.objects.clear()
    assert (await gateway.get(segment(film))).status == 404


@pytest.mark.parametrize("path", ["", "/hls/master.m3u8", "/hls/360p.m3u8", "/poster.jpg", "/events"])
async def test_a_frozen_store_is_503_in_bounded_time(
    gateway: Gateway, film: Film, redis: Redis, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await film.ready()
    monkeypatch.setattr(projections, "READ_S", 0.1)
    store = (await redis.info("server"))["process_id"]
    os.kill(store, signal.SIGSTOP)
    try:
        answer = await gateway.get(base(film) + path)
    finally:
        os.kill(store, signal.SIGCONT)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert "Redis" in (await answer.json())["detail"]
    monkeypatch.undo()
    assert (await gateway.get(base(film))).status == 200


def test_the_last_tile_shows_to_the_end_and_rows_wrap() -> None:
    text = web_vtt(
        {
            "sheet_count": 2, "columns": 2, "rows": 1, "tile_width": 160, "tile_height": 90, "tile_count": 3,
            "interval_ms": 2000, "poster_width": 1, "poster_height": 1,
        },
        3_605_500,
        "storyboard/{n}.jpg",
    )  # fmt: skip
    assert text.splitlines()[0] == "WEBVTT"
    assert "00:00:02.000 --> 00:00:04.000\nstoryboard/0.jpg#xywh=160,0,160,90" in text
    assert "00:00:04.000 --> 01:00:05.500\nstoryboard/1.jpg#xywh=0,0,160,90" in text
