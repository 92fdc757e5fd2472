"""The grid, the ladder and the choice of a rate hold for every input."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.media.grid import (
    AAC_FRAME_SAMPLES,
    SHORTEST_S,
    audio_durations,
    audio_frames_covering,
    audio_spans,
    chunk_segments,
    chunks_of,
    cuts_of,
    frame_ticks,
    plan_cuts,
    video_durations,
)
from schemas.media.plan import Plan
from schemas.media.storyboard import MOST_TILES, layout_of
from streams.media.ladder import NEAR_ENOUGH, RUNGS, display_size, ladder_for
from streams.media.plan import make_plan
from streams.media.probe import Probe
from streams.media.probe_sound import SILENT
from streams.media.rates import FASTEST, SLOWEST, USUAL_RATES, grid_rate

quick = settings(deadline=None, max_examples=60)  # a busy machine must not fail a test

rates = st.one_of(
    st.sampled_from(USUAL_RATES),
    st.fractions(min_value=SLOWEST, max_value=FASTEST, max_denominator=1001),
)
lengths = st.integers(min_value=1, max_value=6_000)
sides = st.integers(min_value=16, max_value=8192)


def plan_of(fps: Fraction, frame_count: int, sample_rate_hz: int = 48_000, start_samples: int = 0) -> Plan:
    audio = SILENT | {
        "mode": "encode",
        "sample_rate_hz": sample_rate_hz,
        "channels": 2,
        "bitrate_kbps": 128,
        "stream_index": 1,
        "frame_count": audio_frames_covering(fps, frame_count, sample_rate_hz, start_samples),
        "start_samples": start_samples,
    }
    probe: Probe = {
        "container": "mov",
        "video_codec": "h264",
        "audio_codec": "aac",
        "width": 1280,
        "height": 720,
        "duration_ms": max(1, round(frame_count / fps * 1000)),
        "fps_num": fps.numerator,
        "fps_den": fps.denominator,
        "frame_count": frame_count,
        "video_stream_index": 0,
        "video_origin_pts": 0,
        "rotation_deg": 0,
        "full_range": False,
        "transfer": "sdr",
        "interlaced": False,
        "audio": audio,  # type: ignore[typeddict-item]
    }
    return make_plan(probe, "0" * 64)


@quick
@given(rates, lengths)
def test_cuts_cover_the_film_with_segments_of_two_seconds(fps: Fraction, frame_count: int) -> None:
    cuts = cuts_of(fps, frame_count)
    sizes = [b - a for a, b in pairwise(cuts)]
    assert cuts[0] == 0
    assert cuts[-1] == frame_count
    assert all(size >= 1 for size in sizes)
    assert all(size / fps <= 2 + SHORTEST_S + 1 / fps for size in sizes)
    assert len(sizes) == 1 or sizes[-1] / fps >= SHORTEST_S - Fraction(1, 2) / fps


@quick
@given(rates, lengths, lengths)
def test_a_longer_film_has_the_same_cuts_up_to_its_end(fps: Fraction, one: int, other: int) -> None:
    shorter, longer = cuts_of(fps, min(one, other)), cuts_of(fps, max(one, other))
    assert shorter[:-1] == longer[: len(shorter) - 1]


def test_the_ramp() -> None:
    assert cuts_of(Fraction(24), 720)[:6] == [0, 12, 24, 48, 96, 144]
    assert cuts_of(Fraction(24_000, 1001), 240) == [0, 12, 24, 48, 96, 144, 192, 240]
    assert cuts_of(Fraction(25), 30) == [0, 13, 30]


@quick
@given(rates, lengths)
def test_chunks_cover_the_segments_in_order(fps: Fraction, frame_count: int) -> None:
    cuts = cuts_of(fps, frame_count)
    chunks = chunks_of(fps, cuts)
    assert chunks[0].start == 0
    assert chunks[-1].end == len(cuts) - 1
    assert all(a.end == b.start for a, b in pairwise(chunks))
    assert all(1 <= chunk.length <= 2 for chunk in chunks[1:])
    assert 1 <= chunks[0].length <= 3
    assert cuts[chunks[0].end] / fps <= 2 + SHORTEST_S + 1 / fps


@quick
@given(rates, lengths, st.sampled_from([44_100, 48_000, 32_000]), st.integers(0, AAC_FRAME_SAMPLES - 1))
def test_every_segment_has_sound_that_begins_within_it(
    fps: Fraction, frame_count: int, rate_hz: int, start_samples: int
) -> None:
    plan = plan_of(fps, frame_count, rate_hz, start_samples)
    cuts, spans = plan_cuts(plan), audio_spans(plan)
    assert len(spans) == plan["segment_count"] == len(cuts) - 1
    assert spans[0].start == 0
    assert spans[-1].end == plan["audio"]["frame_count"]
    assert all(a.end == b.start for a, b in pairwise(spans))
    assert all(span.length >= 1 for span in spans)
    for span, cut in zip(spans[1:], cuts[1:], strict=False):
        begins_s = Fraction(span.start * AAC_FRAME_SAMPLES + start_samples, rate_hz)
        assert 0 <= begins_s - cut / fps < Fraction(AAC_FRAME_SAMPLES, rate_hz)
    assert sum(audio_durations(plan)) == plan["audio"]["frame_count"] * AAC_FRAME_SAMPLES


@quick
@given(rates, lengths)
def test_durations_in_ticks_are_exact(fps: Fraction, frame_count: int) -> None:
    plan = plan_of(fps, frame_count)
    assert Fraction(sum(video_durations(plan)), plan["timescale"]) == frame_count / fps
    assert frame_ticks(plan) * fps == plan["timescale"]
    with pytest.raises(IndexError, match="chunks 0 to"):
        chunk_segments(plan, plan["chunk_count"])


@quick
@given(rates, lengths)
def test_storyboard_tiles_are_first_pictures_at_equal_steps(fps: Fraction, frame_count: int) -> None:
    plan = plan_of(fps, frame_count)
    layout = layout_of(plan)
    cuts = plan_cuts(plan)
    assert 1 <= layout.tile_count <= MOST_TILES + 1
    assert [Fraction(cuts[n]) / fps for n in layout.segments] == [
        tile * layout.interval_s for tile in range(layout.tile_count)
    ]
    assert layout.sheet_count * layout.per_sheet >= layout.tile_count
    assert max(layout.tile_width, layout.tile_height) == 160


@quick
@given(sides, sides, rates)
def test_rungs_ascend_and_never_exceed_the_source(width: int, height: int, fps: Fraction) -> None:
    rungs = ladder_for(width, height, fps)
    assert rungs
    for rung in rungs:
        assert rung["width"] <= width
        assert rung["height"] <= height
        assert rung["width"] % 2 == rung["height"] % 2 == 0
        assert 50 <= rung["max_kbps"] <= 100_000
    sizes = [rung["width"] * rung["height"] for rung in rungs]
    assert sizes == sorted(sizes)
    assert [rung["max_kbps"] for rung in rungs] == sorted(rung["max_kbps"] for rung in rungs)
    names = [name for name, _, _ in RUNGS]
    assert [r["name"] for r in rungs] in (["source"], names[: len(rungs)])


@quick
@given(st.integers(200, 8192), st.integers(200, 8192))
def test_rungs_keep_the_shape(width: int, height: int) -> None:
    for rung in ladder_for(width, height, Fraction(25)):
        assert abs(rung["width"] - rung["height"] * width / height) <= 2 * max(1, width / height) + 2


@pytest.mark.parametrize(
    ("size", "names"),
    [
        ((1920, 1080), ["360p", "480p", "720p", "1080p"]),
        ((1080, 1920), ["360p", "480p", "720p", "1080p"]),
        ((1920, 800), ["360p", "480p", "720p", "1080p"]),
        ((3840, 2160), ["360p", "480p", "720p", "1080p", "1440p", "2160p"]),
        ((640, 272), ["360p"]),
        ((632, 356), ["360p"]),
        ((176, 144), ["source"]),
    ],
)
def test_ladders_of_usual_sizes(size: tuple[int, int], names: list[str]) -> None:
    assert [rung["name"] for rung in ladder_for(*size, Fraction(25))] == names


def test_display_size_squares_pixels_and_turns() -> None:
    assert display_size(720, 480, Fraction(8, 9), 0) == (640, 480)
    assert display_size(720, 576, Fraction(64, 45), 90) == (576, 1024)
    assert display_size(100, 100, Fraction(1000), 0) == (100, 100)
    assert Fraction(9, 10) < NEAR_ENOUGH < 1


@quick
@given(rates, st.integers(2, 60))
def test_a_constant_rate_is_kept_exactly(fps: Fraction, count: int) -> None:
    times = [n / fps for n in range(count)]
    usual = min(USUAL_RATES, key=lambda rate: abs(rate - fps))
    kept = grid_rate(times, [fps])
    assert kept == fps or (kept == usual and abs(usual - fps) <= usual / 2500)


@quick
@given(st.lists(st.fractions(min_value=0, max_value=3600, max_denominator=90_000), max_size=40))
def test_any_times_give_a_sane_rate(times: list[Fraction]) -> None:
    assert SLOWEST <= grid_rate(sorted(times), [None, Fraction(0), Fraction(90_000)]) <= FASTEST


def test_rates_of_variable_sources() -> None:
    phone = [Fraction(n, 30) + Fraction((n * 7) % 5, 1000) for n in range(90)]
    assert grid_rate(phone, [Fraction(90_000), Fraction(2987, 100)]) in (30, Fraction(30_000, 1001))
    milliseconds = [Fraction(round(n * 1001 / 24_000 * 1000), 1000) for n in range(90)]
    assert grid_rate(milliseconds, [Fraction(24_000, 1001)]) == Fraction(24_000, 1001)
    assert grid_rate([n / Fraction(120) for n in range(50)], [Fraction(120)]) == 60
    assert grid_rate([Fraction(n * 10) for n in range(5)], [Fraction(1, 10)]) == 1
