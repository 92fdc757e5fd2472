"""HLS and DASH from any plan: complete, exact, and in agreement with the grid."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.media.manifests import dash, hls
from schemas.media.grid import audio_durations, chunks_of, duration_s, plan_cuts, video_durations
from schemas.media.plan import Plan, fps_of
from schemas.media.storyboard import layout_of
from schemas.media.views import AssetDocument
from streams.media.probe_sound import SILENT
from tests.unit.media.test_grid import lengths, plan_of, quick, rates

NS = {"m": "urn:mpeg:dash:schema:mpd:2011"}


def document_of(plan: Plan, done: list[list[int]] | None = None, *, board: bool = False) -> AssetDocument:
    """A library document: ready, or with the chunks `done`."""
    ready = done is None
    view = {"bandwidth": 900_000, "average_bandwidth": 500_000 if ready else None}
    layout = layout_of(plan)
    silent = plan["audio"]["mode"] == "none"
    document: dict[str, Any] = {
        "id": "a",
        "state": "ready" if ready else "playable",
        "duration_ms": round(duration_s(plan) * 1000),
        "plan": plan,
        "renditions": [
            {"name": r["name"], "width": r["width"], "height": r["height"], "codecs": "avc1.64001f", **view}
            for r in plan["renditions"]
        ],
        "audio": None
        if silent
        else {"name": "audio", "width": 0, "height": 0, "codecs": "mp4a.40.2", **view},
        "done": done or [],
        "storyboard": {
            "sheet_count": layout.sheet_count,
            "columns": layout.columns,
            "rows": layout.rows,
            "tile_width": layout.tile_width,
            "tile_height": layout.tile_height,
            "tile_count": layout.tile_count,
            "interval_ms": round(layout.interval_s * 1000),
        }
        if board
        else None,
    }
    return cast(AssetDocument, document)


def extinfs(playlist: str) -> list[float]:
    return [float(value) for value in re.findall(r"#EXTINF:([\d.]+),", playlist)]


@quick
@given(rates, lengths)
def test_media_playlists_tell_every_segment_and_its_time(fps: Fraction, frame_count: int) -> None:
    plan = plan_of(fps, frame_count)
    document = document_of(plan)
    for name, durations, timescale in (
        ("360p", video_durations(plan), plan["timescale"]),
        ("audio", audio_durations(plan), plan["audio"]["sample_rate_hz"]),
    ):
        playlist = hls.media(document, name)
        assert extinfs(playlist) == [pytest.approx(d / timescale, abs=1e-6) for d in durations]
        target = int(re.findall(r"#EXT-X-TARGETDURATION:(\d+)", playlist)[0])
        assert all(int(value + 0.5) <= target for value in extinfs(playlist))
        folder = f"../media/{plan['profile_hash']}/{name}"
        assert re.findall(r"\n(\.\./\S+)", playlist) == [f"{folder}/{n}.m4s" for n in range(len(durations))]
        assert f'#EXT-X-MAP:URI="{folder}/init.mp4"' in playlist
        assert playlist.endswith("#EXT-X-ENDLIST\n")
        assert "#EXT-X-PLAYLIST-TYPE:VOD\n" in playlist


@quick
@given(rates, lengths, st.data())
def test_a_growing_playlist_holds_what_is_there_without_a_hole(
    fps: Fraction, frame_count: int, data: st.DataObject
) -> None:
    plan = plan_of(fps, frame_count)
    chunks = chunks_of(fps_of(plan), plan_cuts(plan))
    there = data.draw(st.integers(0, len(chunks)))
    done = [[0, there]] if there else []
    if there + 2 < len(chunks):
        done.append([there + 1, there + 2])
    playlist = hls.media(document_of(plan, done), "360p")
    whole = hls.media(document_of(plan), "360p")
    assert len(extinfs(playlist)) == (chunks[there - 1].end if there else 0)
    assert extinfs(whole)[: len(extinfs(playlist))] == extinfs(playlist)
    assert "#EXT-X-PLAYLIST-TYPE:EVENT\n" in playlist
    assert "#EXT-X-START:TIME-OFFSET=0" in playlist
    assert "ENDLIST" not in playlist
    target = re.search(r"TARGETDURATION:\d+", whole)
    assert target is not None
    assert target[0] in playlist


def test_the_multivariant_playlist_declares_what_players_choose_by() -> None:
    plan = plan_of(Fraction(24_000, 1001), 500)
    text = hls.master(document_of(plan))
    lines = text.splitlines()
    assert lines[:3] == ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    variants = [line for line in lines if line.startswith("#EXT-X-STREAM-INF:")]
    assert len(variants) == len(plan["renditions"])
    assert variants[0] == (
        '#EXT-X-STREAM-INF:BANDWIDTH=1800000,AVERAGE-BANDWIDTH=1000000,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=640x360,FRAME-RATE=23.976,VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE,AUDIO="sound"'
    )
    assert 'TYPE=AUDIO,GROUP-ID="sound"' in text
    assert 'CHANNELS="2",URI="audio.m3u8"' in text


def test_averages_are_left_out_until_they_are_measured() -> None:
    assert "AVERAGE-BANDWIDTH" not in hls.master(document_of(plan_of(Fraction(25), 500), [[0, 2]]))


def test_a_silent_film_names_no_sound() -> None:
    plan = plan_of(Fraction(25), 500) | {"audio": SILENT}
    document = document_of(cast(Plan, plan))
    assert "AUDIO" not in hls.master(document)
    assert "mp4a" not in hls.master(document)
    assert 'contentType="audio"' not in dash.manifest(document)
    with pytest.raises(KeyError, match="silent"):
        hls.media(document, "audio")


def test_the_storyboard_is_an_image_stream() -> None:
    plan = plan_of(Fraction(25), 5000)
    document = document_of(plan, board=True)
    assert "#EXT-X-IMAGE-STREAM-INF:" in hls.master(document)
    playlist = hls.media(document, "storyboard")
    assert "#EXT-X-IMAGES-ONLY" in playlist
    assert playlist.count("#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=5x5,DURATION=2.000000") == 4
    assert sum(extinfs(playlist)) == pytest.approx(200)
    with pytest.raises(KeyError, match="no storyboard"):
        hls.media(document_of(plan), "storyboard")


@quick
@given(rates, lengths)
def test_the_mpd_tells_the_same_times_as_the_grid(fps: Fraction, frame_count: int) -> None:
    plan = plan_of(fps, frame_count)
    root = ElementTree.fromstring(dash.manifest(document_of(plan, board=True)))  # noqa: S314 - our own text
    length = root.attrib["mediaPresentationDuration"]
    assert float(length.removeprefix("PT").removesuffix("S")) == pytest.approx(
        float(duration_s(plan)), abs=1e-6
    )
    tracks = {r.attrib["id"]: r for r in root.iterfind(".//m:Representation", NS)}
    assert set(tracks) == {*(r["name"] for r in plan["renditions"]), "audio", "storyboard"}
    for name, durations in (("360p", video_durations(plan)), ("audio", audio_durations(plan))):
        entries = tracks[name].findall(".//m:S", NS)
        told = [int(s.attrib["d"]) for s in entries for _ in range(1 + int(s.attrib.get("r", 0)))]
        assert told == durations
        assert entries[0].attrib["t"] == "0"


def test_a_static_mpd_needs_every_segment() -> None:
    with pytest.raises(ValueError, match="every segment"):
        dash.manifest(document_of(plan_of(Fraction(25), 500), [[0, 1]]))
