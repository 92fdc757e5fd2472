"""The library and the progress of work as folds of what was said."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.event import Event
from schemas.media.views import RECENT, has_poster
from streams.engine import Op
from streams.media.projections import library, progress, with_chunk
from tests.unit.media.telling import (
    ASSET,
    Story,
    completed,
    encoded,
    erased,
    event,
    failed,
    plan_of,
    probed,
    started,
    storyboard_made,
)

PLAN = plan_of(seconds=12)


def told(*requests: Event) -> list[Event]:
    """What the decider says about these requests, as the projectors read it."""
    story, events = Story(), []
    for request in requests:
        story.when(request)
        events += [
            Event(type=out.type, key=out.key, data=out.data, at_ms=request.at_ms)
            for out in story.outs
            if out.topic == "media.asset.events"
        ]
    return events


def shelf(*requests: Event) -> tuple[Any, list[Op]]:
    """The library's document after these requests, and every op on the way."""
    state, ops = None, []
    for each in told(*requests):
        before = copy.deepcopy(state)
        new, more = library(state, each)
        assert state == before, "a projection must not change the state it is given"
        state, ops = new, ops + more
    return state, ops


BEGUN = (started(at_ms=1_000), completed(at_ms=2_000), probed(PLAN, at_ms=3_000))


def chunks(*indices: int, at_ms: int = 5_000) -> tuple[Event, ...]:
    return tuple(encoded(i, PLAN, at_ms=at_ms) for i in indices)


def test_a_new_asset_is_listed() -> None:
    document, ops = shelf(started(at_ms=1_000))
    assert ops == [Op("ZADD", RECENT, 1_000, ASSET)]
    assert (document["state"], document["title"]) == ("uploading", "A film")
    assert document["size_bytes"] == 20_000_000
    assert (document["created_at_ms"], document["updated_at_ms"]) == (1_000, 1_000)


def test_a_plan_fills_in_size_length_and_ladder() -> None:
    document, _ = shelf(*BEGUN)
    assert document["state"] == "processing"
    assert (document["width"], document["height"], document["duration_ms"]) == (1280, 720, 10_000)
    assert document["plan"] == PLAN
    assert [r["name"] for r in document["renditions"]] == ["360p", "720p"]
    assert document["renditions"][0]["bandwidth"] == 360 * 3 * 1500
    assert document["audio"]["bandwidth"] == 192_000
    assert document["progress"] == {"percent": 0, "chunks_done": 0, "chunks_total": 4, "eta_s": None}


def test_a_silent_film_has_no_audio() -> None:
    silent = {**PLAN, "audio": {**PLAN["audio"], "mode": "none"}}
    document, _ = shelf(started(), completed(), probed(silent))
    assert document["audio"] is None


def test_chunks_move_the_progress_and_its_estimate() -> None:
    document, _ = shelf(*BEGUN, *chunks(0, at_ms=6_000))
    assert document["state"] == "playable"
    assert document["progress"] == {"percent": 25, "chunks_done": 1, "chunks_total": 4, "eta_s": 9}
    assert document["renditions"][1]["codecs"] == "avc1.720p"


@pytest.mark.parametrize(
    ("order", "done"),
    [((0,), [[0, 1]]), ((0, 2), [[0, 1], [2, 3]]), ((2, 1, 0), [[0, 3]]), ((1,), [[1, 2]])],
)
def test_chunks_that_are_done_are_ranges(order, done) -> None:
    document, _ = shelf(*BEGUN, *chunks(*order))
    assert document["done"] == done


def test_a_ready_film_declares_what_was_measured() -> None:
    document, _ = shelf(*BEGUN, *chunks(3, 1, 0, 2, at_ms=9_000))
    assert (document["state"], document["ready_at_ms"]) == ("ready", 9_000)
    assert document["progress"] == {"percent": 100, "chunks_done": 4, "chunks_total": 4, "eta_s": 0}
    for rendition in [*document["renditions"], document["audio"]]:
        assert 0 < rendition["average_bandwidth"] <= rendition["bandwidth"]


def test_a_poster_is_there_with_the_first_chunk_or_with_the_storyboard() -> None:
    poster = {"width": 1280, "height": 720}
    document, _ = shelf(*BEGUN)
    assert not has_poster(document)
    document, _ = shelf(*BEGUN, encoded(0, PLAN, poster=poster))
    assert document["poster"] == poster
    assert has_poster(document)
    document, _ = shelf(*BEGUN, *chunks(0, 1, 2, 3))
    assert not has_poster(document)
    document, _ = shelf(*BEGUN, *chunks(0, 1, 2, 3), storyboard_made())
    assert has_poster(document)
    del document["poster"]  # as an earlier version wrote it
    assert has_poster(document)


def test_a_storyboard_is_added() -> None:
    document, _ = shelf(*BEGUN, *chunks(0, 1, 2, 3), storyboard_made())
    assert document["storyboard"]["interval_ms"] == 2000
    assert "asset_id" not in document["storyboard"]


def test_a_failure_says_why() -> None:
    document, _ = shelf(*BEGUN, *chunks(0), failed(1, retryable=False))
    assert document["state"] == "failed"
    assert document["failure"] == {"code": "internal", "sentence": "It did not work."}


def test_a_deleted_asset_leaves_the_list_and_stays_known() -> None:
    deleted = (*BEGUN, event("DeletionRequested", at_ms=7_000))
    document, ops = shelf(*deleted)
    assert ops[-1] == Op("ZREM", RECENT, ASSET)
    gone = {
        "id": ASSET, "state": "deleted", "created_at_ms": 1_000, "updated_at_ms": 7_000, "erased": False,
        "owner_id": None, "visibility": "private",
    }  # fmt: skip
    assert document == gone
    document, _ = shelf(*deleted, erased(at_ms=8_000))
    assert document == {**gone, "updated_at_ms": 8_000, "erased": True}


def test_refusals_and_repeats_change_nothing() -> None:
    refused = event("engine.RequestRefused", request_id="x", request_type="y", code="z", detail="")
    assert library(None, refused) == (None, [])
    document, _ = shelf(*BEGUN)
    assert library(document, refused) == (document, [])


@given(st.permutations(range(40)), st.integers(0, 40))
def test_ranges_are_ordered_and_without_seams(order, count) -> None:
    done: list[list[int]] = []
    for index in order[:count]:
        done = with_chunk(done, index)
    assert [i for first, end in done for i in range(first, end)] == sorted(order[:count])
    assert all(a[1] < b[0] for a, b in pairwise(done))


def work(name: str, work_id: str, *, at_ms: int, **data: Any) -> Event:
    common = {"work_id": work_id, "kind": "chunk", "chunk_index": 3, "worker": "w1"}
    return event(name, at_ms=at_ms, **{**common, **data})


def in_hand(*events: Event) -> Any:
    state = None
    for each in events:
        state, ops = progress(state, each)
        assert ops == []
    return state


def test_work_in_hand_is_shown_until_it_ends() -> None:
    leased = work("WorkLeased", "a", at_ms=1, attempt=2)
    state = in_hand(leased, work("WorkProgressed", "a", at_ms=2, percent=40))
    assert state["work"] == [
        {
            "work_id": "a",
            "kind": "chunk",
            "chunk_index": 3,
            "percent": 40,
            "worker": "w1",
            "attempt": 2,
            "leased_at_ms": 1,
            "updated_at_ms": 2,
        }
    ]
    both = (leased, work("WorkLeased", "b", at_ms=3, attempt=1))
    assert [w["work_id"] for w in in_hand(*both)["work"]] == ["a", "b"]
    used = work("ContentKeysUsed", "a", at_ms=4, scheme="cenc", version=1, kids=["1" * 32])
    assert in_hand(*both, used) == in_hand(*both)
    ended = work("WorkEnded", "a", at_ms=4, outcome="done")
    assert [w["work_id"] for w in in_hand(*both, ended)["work"]] == ["b"]
    assert in_hand(leased, work("WorkEnded", "a", at_ms=4, outcome="failed")) is None


def test_work_leased_again_starts_anew() -> None:
    first = (work("WorkLeased", "a", at_ms=1, attempt=1), work("WorkProgressed", "a", at_ms=2, percent=90))
    state = in_hand(*first, work("WorkLeased", "a", at_ms=9, attempt=1, worker="w2"))
    assert [(w["worker"], w["percent"], w["leased_at_ms"]) for w in state["work"]] == [("w2", 0, 9)]


def test_entries_of_dead_workers_do_not_pile_up() -> None:
    state = in_hand(*(work("WorkLeased", str(n), at_ms=n, attempt=1) for n in range(100)))
    assert [w["work_id"] for w in state["work"]] == [str(n) for n in range(68, 100)]
