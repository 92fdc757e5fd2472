"""A child that was taken over may answer anything: only what was asked for is believed."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.media.grid import chunk_segments
from schemas.media.plan import Plan
from streams.media.answers import chunk_result, probe_result
from streams.media.encoder_process import EncoderFailed
from streams.media.plan import make_plan
from streams.media.probe import Probe

FOUND: Probe = {
    "container": "mov", "video_codec": "h264", "audio_codec": "aac", "width": 640, "height": 360,
    "duration_ms": 6000, "fps_num": 25, "fps_den": 1, "frame_count": 150, "video_stream_index": 0,
    "video_origin_pts": 0, "rotation_deg": 0, "full_range": False, "transfer": "sdr",
    "interlaced": False,
    "audio": {
        "mode": "encode", "sample_rate_hz": 48000, "channels": 2, "bitrate_kbps": 128, "stream_index": 1,
        "frame_count": 282, "start_samples": 0,
    },
}  # fmt: skip


@pytest.fixture
def plan() -> Plan:
    return make_plan(FOUND, "0" * 64)


def told(*names: str, codecs: str = "avc1.64001f") -> dict[str, Any]:
    renditions = [{"name": name, "codecs": codecs} for name in names]
    return {"renditions": renditions, "poster": False, "timings": {}}


def pieces(plan: Plan, renditions: int) -> list[bytes]:
    return [b"piece"] * (renditions * (1 + chunk_segments(plan, 1).length))


def test_what_was_asked_for_is_believed(plan: Plan) -> None:
    result = chunk_result(plan, 1, told("audio", "360p"), pieces(plan, 2))
    assert set(result["renditions"]) == {"audio", "360p"}
    assert result["first_segment_number"] == chunk_segments(plan, 1).start
    assert len(result["renditions"]["360p"]["segments"]) == chunk_segments(plan, 1).length
    assert probe_result({"probe": FOUND}) == FOUND


@pytest.mark.parametrize(
    "answer",
    [
        told("audio"),
        told("audio", "../../other/360p"),
        told("audio", "360p", "360p"),
        told("audio", "360p", codecs='avc1",URI="https://example.org'),
        {"renditions": "360p"},
        {},
    ],
)
def test_another_chunk_is_not_believed(plan: Plan, answer: dict[str, Any]) -> None:
    with pytest.raises(EncoderFailed, match="is not one"):
        chunk_result(plan, 1, answer, pieces(plan, 2))


def test_a_poster_is_a_picture_and_comes_with_the_first_chunk(plan: Plan) -> None:
    answer = {**told("audio", "360p"), "poster": True}
    first = [b"piece"] * (2 * (1 + chunk_segments(plan, 0).length))
    assert chunk_result(plan, 0, answer, [*first, b"\xff\xd8\xff jpeg"])["poster"] == b"\xff\xd8\xff jpeg"
    for index, blobs in [(0, [*first, b"<script>"]), (0, first), (1, [*pieces(plan, 2), b"\xff\xd8\xff"])]:
        with pytest.raises(EncoderFailed, match="is not one"):
            chunk_result(plan, index, answer, blobs)


@pytest.mark.parametrize("count", [0, 1, 5, 7])
def test_missing_and_surplus_pieces_are_not_believed(plan: Plan, count: int) -> None:
    assert len(pieces(plan, 2)) == 6
    with pytest.raises(EncoderFailed, match="pieces"):
        chunk_result(plan, 1, told("audio", "360p"), [b"piece"] * count)


@pytest.mark.parametrize(
    "change",
    [
        {"frame_count": 2**40}, {"frame_count": 0}, {"frame_count": "150"}, {"frame_count": True},
        {"fps_num": 10**6}, {"fps_den": 0}, {"width": 10**6}, {"duration_ms": 10**12},
        {"container": "m" * 999}, {"video_codec": None},
    ],
)  # fmt: skip
def test_a_probe_beyond_the_limits_is_not_believed(change: dict[str, Any]) -> None:
    with pytest.raises(EncoderFailed, match="is not one"):
        probe_result({"probe": {**FOUND, **change}})
