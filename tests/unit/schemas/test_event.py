"""Events and their headers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import WireError
from schemas.event import REDRIVE_AGENT, Event, deterministic_id, parse_src
from schemas.headers import output_headers, request_headers, src_origin
from schemas.wire import codec, encode

TYPE = "kinolog.engine.TimerCancelled"
RAW = encode(TYPE, {"timer_id": "t"})
NAMES = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){1,3}", fullmatch=True)


def _event(headers: list[tuple[str, bytes]] | None) -> Event:
    return codec().event("a.b.events", 3, 7, 1700000000123, b"key", RAW, headers)


@given(NAMES, NAMES, st.integers(0, 1023), st.integers(0, 2**47 - 1), st.integers(0, 0xFFFF))
def test_src_goes_through_headers(agent: str, topic: str, partition: int, offset: int, index: int) -> None:
    origin = src_origin(agent, topic, partition)
    event = _event(output_headers(TYPE, agent, origin, offset, index, 5, "c" * 32, ""))
    assert event.src == (origin, offset << 16 | index)
    assert event.cause == "c" * 32
    assert event.source == f"kinolog/{agent}"


def test_positions_order_as_offset_then_index() -> None:
    assert parse_src(b"a|t|0|1|65535") < parse_src(b"a|t|0|2|0")


def test_equal_inputs_give_equal_headers_and_others_do_not() -> None:
    one = output_headers(TYPE, "a", "a|t|0", 5, 0, 9, "c" * 32, "")
    assert one == output_headers(TYPE, "a", "a|t|0", 5, 0, 9, "c" * 32, "")
    assert dict(one)["ce_id"] != dict(output_headers(TYPE, "a", "a|t|0", 5, 1, 9, "c" * 32, ""))["ce_id"]


def test_headers_are_read_when_first_asked_for() -> None:
    event = _event(request_headers(TYPE, "streaming", "client id 1", 1700000000123, "cause", ""))
    assert (event.id, event.cause, event.src, event.key) == ("client id 1", "cause", None, "key")
    assert len(event.trace) == 55
    assert event.trace_id == event.trace[3:35]
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = event.colour


REPORTED = request_headers(TYPE, "s", "i", 5, "c")
DECIDED = output_headers(TYPE, "a", "a|t|0", 5, 1, 9, "c", "")
RETURNED = [*request_headers(TYPE, "s", "i", 5), (REDRIVE_AGENT, b"media.asset")]


@given(st.one_of([st.permutations([*headers, ("other", b"1")][:n]) for headers, n in (
    (REPORTED, 8), (REPORTED, 9), (DECIDED, 9), (DECIDED, 10), (RETURNED, 8), (RETURNED, 9)
)]))  # fmt: skip
def test_headers_mean_the_same_in_any_order_and_company(headers: list[tuple[str, bytes]]) -> None:
    event, named = _event(headers), dict(headers)
    assert event.id == named["ce_id"].decode()
    assert event.trace == named["traceparent"].decode()
    assert event.cause == named.get("causation_id", b"").decode()
    assert event.redriven == named.get(REDRIVE_AGENT, b"").decode()
    assert event.src == (parse_src(named["src"]) if "src" in named else None)


def test_no_headers_are_empty() -> None:
    event = _event(None)
    assert (event.id, event.cause, event.trace, event.src, event.source) == ("", "", "", None, "")


def test_a_trace_is_handed_on_with_a_span_of_the_event() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    headers = dict(output_headers(TYPE, "a", "a|t|0", 5, 0, 9, "c" * 32, parent))
    assert headers["traceparent"] == f"00-{'a' * 32}-{headers['ce_id'].decode()[:16]}-01".encode()


@given(st.integers(0, 4102444800000))
def test_time_is_rfc3339_of_the_records_timestamp(at_ms: int) -> None:
    text = dict(request_headers(TYPE, "s", "i", at_ms))["ce_time"].decode()
    assert round(datetime.fromisoformat(text).timestamp() * 1000) == at_ms
    assert datetime.fromisoformat(text).tzinfo == UTC


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_ids_of_different_parts_differ(left: list[str], right: list[str]) -> None:
    assert (deterministic_id(*left) == deterministic_id(*right)) == (left == right)


def test_an_event_without_key_or_value_is_refused() -> None:
    with pytest.raises(WireError):
        codec().event("t", 0, 0, 0, None, RAW, None)
    with pytest.raises(WireError, match="framed"):
        codec().event("t", 0, 0, 0, b"k", None, None)


def test_events_compare_by_content() -> None:
    made = Event(
        TYPE, "key", {"timer_id": "t"}, at_ms=1700000000123, topic="a.b.events", partition=3, offset=7
    )
    assert made == _event(None)
    assert made != Event(TYPE, "key", {"timer_id": "u"})
    assert "TimerCancelled" in repr(made)
