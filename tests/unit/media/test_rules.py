"""The asset's decider: each rule told as given/when/then."""

from __future__ import annotations

import pytest

from streams.engine import Refuse
from streams.media import life
from tests.unit.media.telling import (
    ASSET,
    HASH,
    SOURCE,
    Story,
    completed,
    due,
    encoded,
    erased,
    event,
    failed,
    plan_of,
    probed,
    started,
    storyboard_made,
    work_failed,
)

LONG = plan_of(seconds=7200)
FOUR_CHUNKS = plan_of(seconds=12)


def processing(plan=FOUR_CHUNKS) -> Story:
    return Story().given(started(), completed(), probed(plan))


def ready() -> Story:
    return processing().given(*(encoded(i, FOUR_CHUNKS) for i in range(4)))


def test_an_upload_makes_an_asset_and_waits_for_its_end() -> None:
    story = Story().when(started(at_ms=5_000)).then("AssetCreated")
    [timer] = story.timers()
    assert timer.data["due_at_ms"] == 5_000 + life.UPLOAD_PATIENCE_MS
    assert (timer.data["topic"], timer.data["key"]) == ("media.asset.requests", ASSET)


def test_a_whole_upload_is_probed_first_of_all() -> None:
    story = Story().given(started()).when(completed()).then("AssetUploaded", "ProbeRequested")
    assert story.data("ProbeRequested") == {
        "asset_id": ASSET,
        "work_id": f"{ASSET}:probe",
        "attempt": 1,
        "priority": 0,
        "source": SOURCE,
        "protection": None,
    }


def test_a_plan_starts_its_chunks_with_the_ramp_in_front() -> None:
    story = processing().then("AssetPlanned", *(f"ChunkRequested#{i}" for i in range(4)))
    assert story.data("ChunkRequested#0")["priority"] == 0
    assert story.data("ChunkRequested#1")["priority"] == 5
    assert story.data("ChunkRequested#1")["work_id"] == f"{ASSET}:{HASH}:chunk:1"
    assert story.data("ChunkRequested#1")["plan"] == FOUR_CHUNKS


def test_a_long_film_has_sixteen_chunks_under_way_and_no_more() -> None:
    story = processing(LONG).then("AssetPlanned", *(f"ChunkRequested#{i}" for i in range(16)))
    story.when(encoded(7, LONG)).then("ChunkAccepted#7", "ChunkRequested#16")
    story.when(encoded(3, LONG)).then("ChunkAccepted#3", "ChunkRequested#17")


def test_the_first_chunk_makes_it_playable() -> None:
    story = processing().given(encoded(2, FOUR_CHUNKS)).then("ChunkAccepted#2")
    story.when(encoded(0, FOUR_CHUNKS)).then("ChunkAccepted#0", "AssetPlayable")
    assert story.data("AssetPlayable")["renditions"] == [
        {"name": "360p", "codecs": "avc1.360p"},
        {"name": "720p", "codecs": "avc1.720p"},
        {"name": "audio", "codecs": "mp4a.40.2"},
    ]
    assert story.data("AssetPlayable")["poster"] is None


def test_a_poster_comes_with_the_first_chunk() -> None:
    poster = {"width": 1280, "height": 720}
    story = processing().when(encoded(0, FOUR_CHUNKS, poster=poster))
    assert story.data("AssetPlayable")["poster"] == poster


def test_the_last_chunk_makes_it_ready_and_the_storyboard_follows() -> None:
    story = ready().then("ChunkAccepted#3", "AssetReady", "StoryboardRequested")
    story.when(storyboard_made()).then("StoryboardAdded")
    assert story.state["phase"] == "ready"
    assert story.state["waiting"] == {}
    assert [t.type for t in story.timers()] == ["kinolog.engine.TimerCancelled"]


def test_a_film_of_one_chunk_is_playable_and_ready_at_once() -> None:
    plan = plan_of(seconds=1.5)
    Story().given(started(), completed(), probed(plan)).when(encoded(0, plan)).then(
        "ChunkAccepted#0", "AssetPlayable", "AssetReady", "StoryboardRequested"
    )


def test_a_chunk_counts_once() -> None:
    processing().given(encoded(1, FOUR_CHUNKS)).when(encoded(1, FOUR_CHUNKS, reused=True)).then()


def test_a_chunk_of_another_plan_does_not_count() -> None:
    processing().when(encoded(1, FOUR_CHUNKS, profile_hash="f" * 16)).then()


def test_a_second_probe_changes_nothing() -> None:
    processing().when(probed(plan_of(seconds=99))).then()


def test_a_storyboard_that_fails_leaves_the_film_ready() -> None:
    story = ready().when(work_failed("storyboard", retryable=False)).then()
    assert (story.state["phase"], story.state["waiting"]) == ("ready", {})
    story.when(storyboard_made()).then()


def test_a_rejected_source_fails_with_its_code() -> None:
    story = Story().given(started(), completed())
    story.when(event("SourceRejected", work_id="w", code="not_video", sentence="No.")).then("AssetFailed")
    assert story.data("AssetFailed") == {
        "asset_id": ASSET,
        "during": "probing",
        "code": "not_video",
        "sentence": "No.",
    }
    story.when(probed()).then()


def test_a_broken_upload_fails_and_its_parts_are_erased() -> None:
    story = Story().given(started())
    story.when(event("UploadFailed", code="connection_lost", sentence="Again."))
    story.then("AssetFailed", "ErasureRequested")
    assert story.data("ErasureRequested")["prefixes"] == [f"uploads/{ASSET}/", f"assets/{ASSET}/"]
    story.when(erased()).then()
    assert story.state["waiting"] == {}


def test_an_upload_without_an_end_is_abandoned() -> None:
    story = Story().given(started(at_ms=0)).when(due(life.UPLOAD_PATIENCE_MS))
    story.then("AssetFailed", "ErasureRequested")
    assert story.data("AssetFailed")["code"] == "upload_abandoned"
    story.given(erased()).when(completed()).then("RequestRefused", "ErasureRequested")


def test_failed_chunks_are_tried_again_later_and_then_given_up() -> None:
    story = processing()
    for attempt in range(1, life.MAX_FAILURES):
        story.when(failed(2, attempt=attempt)).then()
        story.when(failed(2, attempt=attempt)).then()  # told twice, counted once
        story.when(due(story.state["waiting"]["chunk:2"]["due_at_ms"])).then("ChunkRequested#2")
        assert story.data("ChunkRequested#2")["attempt"] == attempt + 1
    story.when(failed(2, attempt=life.MAX_FAILURES)).then("AssetFailed")
    assert story.data("AssetFailed")["during"] == "processing"
    story.when(encoded(1, FOUR_CHUNKS)).then()


def test_a_hopeless_chunk_fails_the_asset_at_once() -> None:
    processing().when(failed(2, retryable=False)).then("AssetFailed")


def test_a_probe_that_fails_is_tried_again() -> None:
    story = Story().given(started(), completed()).when(work_failed("probe")).then()
    story.when(due(story.state["waiting"]["probe"]["due_at_ms"])).then("ProbeRequested")
    assert story.data("ProbeRequested")["attempt"] == 2


def test_silent_work_is_asked_for_again_ever_more_patiently() -> None:
    story = Story().given(started(at_ms=0), completed(at_ms=0))
    at_ms, pauses = 0, []
    for _ in range(8):
        next_ms = story.state["timer_at_ms"]
        pauses.append(next_ms - at_ms)
        at_ms = next_ms
        story.when(due(at_ms)).then("ProbeRequested")
    assert pauses == [min(life.SILENCE_MS * 2**n, life.MAX_SILENCE_MS) for n in range(8)]


def test_a_chunk_that_queues_behind_others_of_its_film_is_not_silent() -> None:
    story = processing(LONG)
    heard_ms = story.state["waiting"]["chunk:0"]["asked_at_ms"] + 200_000
    story.given(encoded(1, LONG, at_ms=heard_ms)).when(due(story.state["timer_at_ms"])).then()
    assert story.state["timer_at_ms"] == heard_ms + life.CHUNK_SILENCE_MS
    story.when(due(heard_ms + life.CHUNK_SILENCE_MS))
    story.then(*(f"ChunkRequested#{n}" for n in (0, *range(2, 17))))


def test_a_chunk_that_alone_stays_silent_is_asked_for_while_others_go_on() -> None:
    story = processing(LONG)
    asked_ms = at_ms = story.state["waiting"]["chunk:0"]["asked_at_ms"]
    for index in range(1, 40):
        at_ms += 60_000
        story.given(encoded(index, LONG, at_ms=at_ms))
    latest_ms = asked_ms + life.CHUNK_PATIENCE * life.CHUNK_SILENCE_MS
    assert story.state["waiting"]["chunk:0"]["due_at_ms"] == latest_ms < at_ms
    story.when(due(latest_ms)).then("ChunkRequested#0")


def test_a_reminder_that_was_replaced_does_no_harm() -> None:
    story = processing().given(failed(1))
    before = dict(story.state)
    story.when(due(before["timer_at_ms"] - 1)).then()
    assert story.state["timer_at_ms"] == before["timer_at_ms"]


def test_a_reminder_is_never_set_for_a_time_that_has_been() -> None:
    """Such a reminder would have the id of one that came already, and be dropped as a repeat."""
    story = processing()
    story.given(due(story.state["timer_at_ms"]))
    fired_ms = story.state["timer_at_ms"]
    story.given(due(fired_ms)).when(failed(1, attempt=2, at_ms=fired_ms - life.RETRY_MS))
    [timer] = story.timers()
    assert timer.data["due_at_ms"] == fired_ms + 1


@pytest.mark.parametrize("phase", ["uploading", "probing", "processing", "ready", "failed"])
def test_delete_works_in_every_state(phase: str) -> None:
    stories = {
        "uploading": Story().given(started()),
        "probing": Story().given(started(), completed()),
        "processing": processing(),
        "ready": ready(),
        "failed": processing().given(failed(0, retryable=False)),
    }
    story = stories[phase]
    assert story.state["phase"] == phase
    story.when(event("DeletionRequested")).then("AssetDeleted", "ErasureRequested")
    story.when(encoded(1, FOUR_CHUNKS)).then()
    story.when(erased()).then("ErasureRequested")  # the chunk came after the first erasure began
    story.when(erased(attempt=1)).then()  # the first, told once more
    story.when(erased(attempt=2)).then("AssetErased")


def test_a_late_chunk_of_an_erased_asset_is_erased_too() -> None:
    story = processing().given(event("DeletionRequested"), erased())
    story.when(encoded(1, FOUR_CHUNKS)).then("ErasureRequested")


def test_a_late_report_of_an_older_erasure_answers_no_newer_one() -> None:
    story = processing().given(event("DeletionRequested"))
    story.when(due(story.state["timer_at_ms"])).then("ErasureRequested")
    story.when(erased(attempt=2)).then("AssetErased")
    story.when(encoded(1, FOUR_CHUNKS)).then("ErasureRequested")
    story.when(erased(attempt=1)).then()  # it looked before the chunk came
    story.when(erased(attempt=3)).then("AssetErased")


def test_an_upload_deleted_on_its_way_is_swept_once_more() -> None:
    story = Story().given(started(at_ms=0), event("DeletionRequested", at_ms=0), erased(at_ms=0))
    story.when(due(life.UPLOAD_PATIENCE_MS)).then("ErasureRequested")


def test_an_erasure_never_gives_up() -> None:
    story = processing().given(event("DeletionRequested"))
    for attempt in range(1, 3 * life.MAX_FAILURES):
        story.when(work_failed("erasure", attempt=attempt)).then()
        story.when(due(story.state["timer_at_ms"]))
    assert "erasure" in story.state["waiting"]


@pytest.mark.parametrize("request_", [completed(), event("DeletionRequested")])
def test_requests_about_nothing_are_refused(request_) -> None:
    with pytest.raises(Refuse, match="There is no asset"):
        Story().when(request_)


def test_an_asset_is_made_once() -> None:
    with pytest.raises(Refuse, match="exists already"):
        Story().given(started()).when(started())


def test_an_asset_is_deleted_once() -> None:
    with pytest.raises(Refuse, match="deleted already"):
        processing().given(event("DeletionRequested")).when(event("DeletionRequested"))


def test_a_second_end_of_an_upload_is_refused() -> None:
    story = processing().when(completed()).then("RequestRefused")
    assert story.data("RequestRefused")["code"] == "asset_processing"


def test_reports_about_nothing_are_passed_over() -> None:
    Story().when(encoded(0)).then()


def test_the_given_state_is_left_as_it_was() -> None:
    import copy

    story = processing()
    before = copy.deepcopy(story.state)
    for each in (encoded(0, FOUR_CHUNKS), failed(1), due(10**12), event("DeletionRequested")):
        story.decide(story.state, each)
        assert story.state == before


def test_the_state_of_a_long_film_stays_small() -> None:
    import orjson

    story = processing(LONG)
    for index in range(900):
        story.given(encoded(index, LONG))
    assert len(orjson.dumps(story.state)) < 5_000
