"""Local hours, days, weeks and months, worked out by hand around the nights when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.analytics.periods import INTERVALS, Span, edges_of, previous, span_of, zone_of
from gateways.core.problem import Problem

HOUR = 3_600_000


def at(text: str) -> int:
    """Milliseconds of a time with its offset."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def hours(*edges: int) -> list[float]:
    return [(after - before) / HOUR for before, after in pairwise(edges)]


def test_the_day_on_which_clocks_go_forward_has_23_hours() -> None:
    berlin = zone_of("Europe/Berlin")
    span = Span(at("2026-03-28T12:00+01:00"), at("2026-03-31T00:00+02:00"))
    edges = edges_of(span, "day", berlin)
    assert edges[0] == at("2026-03-28T00:00+01:00")
    assert hours(*edges, span.to_ms) == [24, 23, 24]
    assert len(edges_of(Span(edges[1], edges[2]), "hour", berlin)) == 23


def test_the_day_on_which_clocks_go_back_has_25_hours() -> None:
    new_york = zone_of("America/New_York")
    span = Span(at("2026-10-31T00:00-04:00"), at("2026-11-03T00:00-05:00"))
    edges = edges_of(span, "day", new_york)
    assert hours(*edges, span.to_ms) == [24, 25, 24]
    shown = [
        datetime.fromtimestamp(edge / 1000, UTC).astimezone(new_york).hour
        for edge in edges_of(Span(edges[1], edges[2]), "hour", new_york)
    ]
    assert shown == [0, 1, 1, *range(2, 24)]


def test_where_clocks_change_by_half_an_hour() -> None:
    howe = zone_of("Australia/Lord_Howe")  # 2026-04-05 02:00+11 becomes 01:30+10:30
    span = Span(at("2026-04-05T00:00+11:00"), at("2026-04-05T04:00+10:30"))
    assert hours(*edges_of(span, "hour", howe), span.to_ms) == [1, 1.5, 1, 1]


def test_days_without_midnight_and_days_left_out() -> None:
    cairo = zone_of("Africa/Cairo")  # 2026-04-24 began at 01:00
    assert edges_of(Span(at("2026-04-24T02:00+03:00"), at("2026-04-24T03:00+03:00")), "day", cairo) == [
        at("2026-04-24T01:00+03:00")
    ]
    apia = zone_of("Pacific/Apia")  # there was no 2011-12-30
    span = Span(at("2011-12-29T00:00-10:00"), at("2012-01-01T00:00+14:00"))
    assert hours(*edges_of(span, "day", apia), span.to_ms) == [24, 24]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    utc = zone_of("UTC")
    span = Span(at("2026-01-31T10:00Z"), at("2026-03-02T00:00Z"))
    assert edges_of(span, "month", utc) == [
        at("2026-01-01T00:00Z"),
        at("2026-02-01T00:00Z"),
        at("2026-03-01T00:00Z"),
    ]
    assert edges_of(span, "week", utc)[:2] == [at("2026-01-26T00:00Z"), at("2026-02-02T00:00Z")]


def test_the_time_before_has_as_many_local_days() -> None:
    berlin = zone_of("Europe/Berlin")
    week = Span(at("2026-03-30T00:00+02:00"), at("2026-04-06T00:00+02:00"))
    assert previous(week, berlin) == Span(at("2026-03-23T00:00+01:00"), week.from_ms)
    some = Span(at("2026-03-30T01:00+02:00"), at("2026-03-30T05:00+02:00"))
    assert previous(some, berlin) == Span(some.from_ms - 4 * HOUR, some.from_ms)


def test_the_time_before_of_what_has_only_begun_is_as_much_of_what_was() -> None:
    berlin = zone_of("Europe/Berlin")
    days = Span(at("2026-03-30T00:00+02:00"), at("2026-04-01T14:30+02:00"))
    before = previous(days, berlin)
    assert before == Span(
        at("2026-03-27T00:00+01:00"), at("2026-03-29T15:30+02:00")
    )  # 14:30 into its last day
    assert len(edges_of(days, "day", berlin)) == len(edges_of(before, "day", berlin)) == 3
    hours_ = Span(at("2026-03-30T02:00+02:00"), at("2026-03-30T05:20+02:00"))
    assert previous(hours_, berlin) == Span(hours_.from_ms - 4 * HOUR, hours_.to_ms - 4 * HOUR)
    odd = Span(at("2026-03-30T02:00:01+02:00"), at("2026-03-30T02:00:03+02:00"))
    assert previous(odd, berlin) == Span(odd.from_ms - 2000, odd.from_ms)


def test_times_as_they_are_said() -> None:
    now_ms = at("2026-07-01T00:00Z")
    assert span_of("", "", now_ms) == Span(now_ms - 30 * 24 * HOUR, now_ms)
    assert span_of("2026-06-30T00:00:00+02:00", str(now_ms), 0) == Span(at("2026-06-29T22:00Z"), now_ms)


@pytest.mark.parametrize(
    "text", ["2026-06-30", "soon", "12", "99999999999999999999", "2026-13-01T00:00Z", "²"]
)
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(Problem) as caught:
        span_of(text, "", at("2026-07-01T00:00Z"))
    assert caught.value.kind.status == 400


@given(
    begin=st.integers(at("2015-01-01T00:00Z"), at("2030-01-01T00:00Z")),
    length=st.integers(1, 90 * 24 * HOUR),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca",
                          "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Chatham"]),
    interval=st.sampled_from(INTERVALS[1:]),
)  # fmt: skip
def test_intervals_cover_the_time_and_begin_where_the_clock_says(
    begin: int, length: int, zone: str, interval: Any
) -> None:
    span, place = Span(begin, begin + length), zone_of(zone)
    edges = edges_of(span, interval, place)
    assert edges[0] <= span.from_ms
    assert len(edges) == 1 or edges[1] > span.from_ms
    assert edges[-1] < span.to_ms
    assert all(before < after for before, after in pairwise(edges))
    for edge in edges:
        local = datetime.fromtimestamp(edge / 1000, UTC).astimezone(place)
        before = datetime.fromtimestamp((edge - 1000) / 1000, UTC).astimezone(place)
        if interval == "hour":
            assert local.minute == 0 or before.hour != local.hour
        else:
            assert local.date() != before.date()
        assert interval != "week" or local.weekday() == 0
        assert interval != "month" or local.day == 1
