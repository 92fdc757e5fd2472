"""Measured rates: the same in any order, and equal to what a look at every run of segments gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.media import bandwidth
from tests.unit.media.telling import encoded, plan_of, segment_size


def measured(plan, order) -> dict[str, dict[str, int]]:
    so_far: dict[str, bandwidth.Measured] = {}
    for index in order:
        for segments in encoded(index, plan).data["renditions"]:
            so_far[segments["name"]] = bandwidth.added(so_far.get(segments["name"]), segments, plan)
    return {name: bandwidth.measured_rendition(name, one, plan) for name, one in so_far.items()}


@settings(max_examples=40, deadline=None)
@given(st.floats(0.2, 40), st.sampled_from([10, 24, 25, 30, 60]), st.randoms())
def test_rates_do_not_depend_on_the_order_and_miss_no_run(seconds, fps, random) -> None:
    plan = plan_of(max(seconds, 1 / fps), fps)
    order = list(range(plan["chunk_count"]))
    expected = measured(plan, order)
    random.shuffle(order)
    assert measured(plan, order) == expected
    for name, rates in expected.items():
        lengths_s = bandwidth.segment_durations_s(plan, name)
        sizes = [segment_size(name, n) for n in range(len(lengths_s))]
        everything = bandwidth.peak_of_runs(sizes, lengths_s, *bandwidth.run_limits_s(plan))
        assert rates["average_bps"] == pytest.approx(sum(sizes) * 8 / sum(lengths_s), abs=1)
        assert rates["peak_bps"] == max(everything, rates["average_bps"])
        assert rates["total_size_bytes"] == sum(sizes)


def test_a_peak_is_no_half_second_burst() -> None:
    """The 0.5 s segments of the ramp count only together with their neighbours."""
    assert bandwidth.peak_of_runs([100_000, 10_000], [0.5, 0.5], 1.0, 3.0) == 880_000
    assert bandwidth.peak_of_runs([100_000], [0.5], 1.0, 3.0) == 0
