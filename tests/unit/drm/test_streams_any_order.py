"""No order of requests, repeats and silences lets one stream too many play, or holds a place for ever."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from streams.drm.state import TOKEN_MS
from tests.unit.drm.telling import (
    FILM,
    LEASE_MS,
    OTHER_FILM,
    PHONE,
    START_MS,
    TABLET,
    TV,
    Story,
    asked,
    beat,
    names,
    stopped,
    stream_of,
    switched,
    timer,
)  # fmt: skip

MOST_STREAMS, MOST_DEVICES = 2, 2
RULES = {"max_streams": MOST_STREAMS, "max_devices": MOST_DEVICES}
DEVICES, FILMS = (TV, PHONE, TABLET), (FILM, OTHER_FILM)
PLACES = st.tuples(st.sampled_from(DEVICES), st.sampled_from(FILMS), st.integers(0, 1))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("ask", "beat", "stop", "off", "on", "timer")),
        PLACES,
        st.integers(0, LEASE_MS),  # how long after the step before
        st.integers(0, 3),  # which token
    ),
    max_size=40,
)


def request_of(kind: str, place: tuple[str, str, int], at_ms: int, token: int, story: Story) -> Event:
    device, film, number = place
    stream = stream_of(device, film, number)
    if kind == "ask":
        return asked(device, film, at_ms=at_ms, number=number, token=f"t{token}", rules=RULES)
    if kind == "beat":
        return beat(stream, at_ms)
    if kind == "stop":
        return stopped(stream, at_ms)
    if kind == "timer":
        due_ms = story.state["timer_at_ms"] if story.state else None
        return timer(due_ms or at_ms, at_ms)
    return switched(device, off=kind == "off", at_ms=at_ms)


@settings(deadline=None)
@given(STEPS)
def test_no_interleaving_lets_too_many_play_and_none_is_stuck(
    steps: list[tuple[str, tuple[str, str, int], int, int]],
) -> None:
    story, at_ms = Story(), START_MS
    used: dict[str, int] = {}
    for kind, place, after_ms, token in steps:
        at_ms += after_ms
        request = request_of(kind, place, at_ms, token, story)
        said = story.tell(request)
        assert story.state is not None or names(said) == ["RequestRefused"]
        document = story.document
        if document is None:
            continue
        # What is shown is what was decided.
        assert story.state is not None
        assert {*document["streams"]} == {*story.state["streams"]}
        assert [*document["devices"]] == story.state["devices"]
        playing = [each for each in document["streams"].values() if each["until_ms"] > at_ms]
        assert len(playing) <= MOST_STREAMS
        assert len(document["devices"]) <= MOST_DEVICES
        assert not {each["device_id"] for each in playing} & {*document["stopped_devices"]}
        # A timer runs as long as anything plays, and is due before the first lease ends.
        if document["streams"]:
            ends = [each["until_ms"] for each in document["streams"].values()]
            assert story.state["timer_at_ms"] is not None
            assert story.state["timer_at_ms"] <= min(ends)
        for event in said:
            if event.type.endswith(".LicenceGranted"):
                before_ms = used.get(event.data["jti_hash"])
                assert before_ms is None or at_ms - before_ms >= TOKEN_MS
                used[event.data["jti_hash"]] = at_ms
    # A silence longer than the lease frees every place.
    end_ms = at_ms + LEASE_MS
    story.tell(timer(end_ms, end_ms))
    assert story.state is None or not story.state["streams"]


@settings(deadline=None)
@given(STEPS)
def test_a_decision_depends_on_nothing_but_the_requests(
    steps: list[tuple[str, tuple[str, str, int], int, int]],
) -> None:
    """Folded again, the same requests say the same; and a state is never changed in its place."""
    first, second, at_ms = Story(), Story(), START_MS
    for kind, place, after_ms, token in steps:
        at_ms += after_ms
        request = request_of(kind, place, at_ms, token, first)
        before = repr(first.state)
        held = first.state
        said = first.tell(request)
        assert repr(held) == before
        assert [(event.type, event.data) for event in said] == [
            (event.type, event.data) for event in second.tell(request)
        ]
    assert (first.state, first.document, first.rows) == (second.state, second.document, second.rows)
