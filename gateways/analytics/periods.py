"""Stretches of time that are asked about: where they begin and end, and their hours, days, weeks and months.

A day is what it is where people live: from one local midnight to the next, 23 or 25 hours long when clocks
change. Borders are made here, of the IANA time zone, and given to ClickHouse as instants.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from gateways.core.problem import Problem

Interval = Literal["minute", "hour", "day", "week", "month"]
INTERVALS: Final = ("minute", "hour", "day", "week", "month")
MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
DEFAULT_DAYS: Final = 30
LONGEST_DAYS: Final = 1100
MOST_BUCKETS: Final = 3000
_QUARTER_MS: Final = 15 * MINUTE_MS
_EARLIEST_MS: Final = 946_684_800_000  # 2000-01-01
_LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01


class Span(NamedTuple):
    """From `from_ms` until before `to_ms`, milliseconds since 1970."""

    from_ms: int
    to_ms: int


def bad(detail: str) -> Problem:
    """What a question that makes no sense is answered with: 400 and a sentence."""
    return Problem("malformed-request", detail)


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone of this name. Raises a Problem 400."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise bad("timezone: send the name of an IANA time zone, such as Europe/Berlin or UTC.") from None


def span_of(from_text: str, to_text: str, now_ms: int) -> Span:
    """The stretch asked for: RFC 3339 with an offset, or milliseconds; by default the last 30 days.

    Raises a Problem 400.
    """
    to_ms = _instant(to_text, "to") if to_text else now_ms
    from_ms = _instant(from_text, "from") if from_text else to_ms - DEFAULT_DAYS * DAY_MS
    if from_ms >= to_ms:
        raise bad("from: it has to be before `to`.")
    if to_ms - from_ms > LONGEST_DAYS * DAY_MS:
        raise bad(f"from: at most {LONGEST_DAYS} days are answered at once.")
    return Span(from_ms, to_ms)


def _instant(text: str, name: str) -> int:
    try:
        if text.isascii() and text.isdigit():
            at_ms = int(text) if len(text) < 16 else -1
        else:
            at = datetime.fromisoformat(text)
            # A plus sign that was not escaped arrives as a blank: then there is no offset either.
            at_ms = -1 if at.tzinfo is None else round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        at_ms = -1
    if not _EARLIEST_MS <= at_ms <= _LATEST_MS:
        raise bad(
            f"{name}: send milliseconds since 1970, or a time such as 2026-07-01T00:00:00Z or "
            "2026-07-01T00:00:00%2B02:00 (with its offset)."
        )
    return at_ms


def edges_of(span: Span, interval: Interval, zone: ZoneInfo) -> list[int]:
    """Where each interval of the stretch begins: the first at or before `from_ms`, the last before `to_ms`.

    Raises a Problem 400 where these are more than MOST_BUCKETS.
    """
    shortest_ms = {"minute": MINUTE_MS, "hour": 60 * MINUTE_MS}.get(interval, 23 * 60 * MINUTE_MS)
    if (span.to_ms - span.from_ms) // shortest_ms >= MOST_BUCKETS:
        raise bad(f"interval: more than {MOST_BUCKETS} rows; ask for a longer interval or a shorter time.")
    if interval == "minute":
        return list(range(span.from_ms - span.from_ms % MINUTE_MS, span.to_ms, MINUTE_MS))
    return _hours(span, zone) if interval == "hour" else _dates(span, interval, zone)


def _hours(span: Span, zone: ZoneInfo) -> list[int]:
    offsets = {_local(at, zone).utcoffset() for at in range(span.from_ms, span.to_ms + DAY_MS, DAY_MS)}
    begin = span.from_ms - _local(span.from_ms, zone).minute * MINUTE_MS
    begin -= begin % MINUTE_MS
    if len(offsets) == 1:
        return list(range(begin, span.to_ms, 60 * MINUTE_MS))
    # Where clocks change, by half an hour in some places: an hour begins where the clock shows another one.
    found = [begin]
    hour = _local(begin, zone).hour
    for at_ms in range(begin + _QUARTER_MS, span.to_ms, _QUARTER_MS):
        local = _local(at_ms, zone)
        if local.minute == 0 or local.hour != hour:
            found.append(at_ms)
            hour = local.hour
    return found


def _dates(span: Span, interval: Interval, zone: ZoneInfo) -> list[int]:
    day = _local(span.from_ms, zone).date()
    if interval == "week":
        day -= timedelta(days=day.weekday())
    elif interval == "month":
        day = day.replace(day=1)
    found: list[int] = []
    while (at_ms := midnight(day, zone)) < span.to_ms:
        if not found or at_ms > found[-1]:  # a day that a place has left out begins with the next
            found.append(at_ms)
        if interval == "month":
            day = (day + timedelta(days=31)).replace(day=1)
        else:
            day += timedelta(days=7 if interval == "week" else 1)
    return found


def midnight(day: date, zone: ZoneInfo) -> int:
    """When a local day begins; where there is no midnight that day, its first moment."""
    return int(datetime.combine(day, time(), zone).timestamp() * 1000)


def previous(span: Span, zone: ZoneInfo) -> Span:
    """The stretch before, interval beside interval: as many local days earlier where it begins with one, as
    many hours or minutes where with these. What has only begun is beside as much of what was whole.
    """
    first, last = _local(span.from_ms, zone).date(), _local(span.to_ms, zone).date()
    if midnight(first, zone) == span.from_ms:
        into_ms = span.to_ms - midnight(last, zone)
        earlier = last - first + timedelta(days=1 if into_ms else 0)
        begin_ms, end_ms = (midnight(day - earlier, zone) for day in (first, last))
        return Span(begin_ms, min(end_ms + into_ms, span.from_ms))
    unit_ms = next((unit for unit in (60 * MINUTE_MS, MINUTE_MS) if span.from_ms % unit == 0), 1)
    earlier_ms = -(-(span.to_ms - span.from_ms) // unit_ms) * unit_ms
    return Span(span.from_ms - earlier_ms, span.to_ms - earlier_ms)


def _local(at_ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone)
