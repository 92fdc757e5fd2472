"""Bodies of long work: what they write, what they report, and what an outage, a kill or a delete does."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from schemas.media import objects as keys
from schemas.wire import codec
from streams.core.content_keys import kid_of
from streams.core.objects import ObjectStoreUnavailable
from streams.engine import Event, Out
from streams.media.encoder_process import EncoderFailed, SourceUnreadable
from streams.media.reasons import MediaProblem
from streams.media.work import running, source
from streams.media.work.tools import Tools
from streams.media.workers import encode
from tests.unit.media.fakes import (
    FakeContentKeys,
    FakeEncoders,
    FakeLibrary,
    FakeObjects,
    FakeVault,
    FakeWork,
)
from tests.unit.media.telling import ASSET, HASH, Story, completed, encoded, plan_of, probed, started
from tests.unit.media.telling import event as told
from tests.unit.media.test_answers import FOUND

PLAN = plan_of(seconds=12)
SOURCE = {"size_bytes": 10, "part_size_bytes": 4, "part_count": 3, "source_hash": "a" * 64}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PATIENCE_S", 0)
    monkeypatch.setattr(running, "PATIENCE_S", 0)


@pytest.fixture
def objects() -> FakeObjects:
    store = FakeObjects()
    store.held = {keys.part_key(ASSET, n): part for n, part in enumerate((b"0123", b"4567", b"89"))}
    return store


@pytest.fixture
def encoders() -> FakeEncoders:
    return FakeEncoders()


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary()


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def work(objects: FakeObjects, encoders: FakeEncoders, library: FakeLibrary, vault: FakeVault) -> FakeWork:
    return FakeWork(Tools(objects, encoders, library, vault, FakeContentKeys(), worker="w1"))


def asked(name: str, *requests: Event, index: int | None = None) -> Event:
    """The work request of that name that the decider makes of these, as a worker reads it."""
    story = Story()
    for request in requests:
        story.when(request)
        for out in story.outs:
            if out.type.endswith(name) and index in (None, out.data.get("chunk_index")):
                return Event(type=out.type, key=out.key, data={**out.data, "source": SOURCE}, id="r")
    raise AssertionError(f"no {name}")


def chunk(index: int) -> Event:
    return asked("ChunkRequested", started(), completed(), probed(PLAN), index=index)


def names(outs: list[Out]) -> list[str]:
    return [out.type.rpartition(".")[2] for out in outs]


async def test_a_chunk_is_stored_whole_and_its_summary_last(work: FakeWork, objects: FakeObjects) -> None:
    outs = await encode(chunk(1), work)
    made = [keys.segment_key(ASSET, HASH, name, n) for name in ("360p", "720p", "audio") for n in (3, 4)]
    assert sorted(objects.puts[:-1]) == sorted(made)
    assert objects.puts[-1] == keys.summary_key(ASSET, HASH, 1)
    report = outs[0]
    assert (report.type, report.key, report.topic) == (
        "kinolog.media.ChunkEncoded",
        ASSET,
        "media.asset.requests",
    )
    assert report.data["renditions"][0] == {
        "name": "360p",
        "codecs": "codec of 360p",
        "first_segment_number": 3,
        "segment_sizes_bytes": [6, 6],
    }
    assert report.data["reused"] is False


async def test_the_first_chunk_brings_the_init_segments(work: FakeWork, objects: FakeObjects) -> None:
    await encode(chunk(0), work)
    assert objects.held[keys.init_key(ASSET, HASH, "720p")] == b"init 720p"


async def test_the_first_chunk_brings_the_poster_and_tells_of_it_again(
    work: FakeWork, objects: FakeObjects
) -> None:
    outs = await encode(chunk(0), work)
    assert objects.held[keys.poster_key(ASSET, HASH)] == b"poster"
    assert outs[0].data["poster"] == {"width": 1280, "height": 720}
    assert (await encode(chunk(0), work))[0].data["poster"] == outs[0].data["poster"]
    assert (await encode(chunk(1), work))[0].data["poster"] is None


async def test_a_chunk_asked_for_again_is_reported_again_and_not_encoded(
    work: FakeWork, objects: FakeObjects, encoders: FakeEncoders
) -> None:
    first = await encode(chunk(1), work)
    puts = list(objects.puts)
    again = await encode(chunk(1), work)
    assert (encoders.runs, objects.puts) == (["chunk 1"], puts)
    assert again[0].data == {**first[0].data, "reused": True, "encode_ms": 0}


async def test_an_unreadable_summary_is_made_anew(work: FakeWork, objects: FakeObjects) -> None:
    objects.held[keys.summary_key(ASSET, HASH, 1)] = b"half a summ"
    outs = await encode(chunk(1), work)
    assert outs[0].data["reused"] is False


@pytest.mark.parametrize("calls", range(1, 12))
async def test_an_outage_of_the_store_is_waited_out(work: FakeWork, objects: FakeObjects, calls: int) -> None:
    objects.away = calls
    outs = await encode(chunk(1), work)
    assert names(outs)[0] == "ChunkEncoded"


@pytest.mark.parametrize("sound", range(12))
async def test_an_outage_in_the_middle_of_storing_is_waited_out(
    work: FakeWork, objects: FakeObjects, sound: int
) -> None:
    objects.sound, objects.away = sound, 3
    outs = await encode(chunk(0), work)
    assert names(outs)[0] == "ChunkEncoded"


async def test_a_part_that_is_gone_ends_the_asset(work: FakeWork, objects: FakeObjects) -> None:
    del objects.held[keys.part_key(ASSET, 1)]
    work.resources.encoders = _Unreadable()
    outs = await encode(chunk(1), work)
    assert (outs[0].data["code"], outs[0].data["retryable"]) == ("source_missing", False)


class _Unreadable(FakeEncoders):
    """The pool's way of saying that a read failed."""

    async def _run(self, name: str, source: Any) -> None:
        try:
            await super()._run(name, source)
        except OSError as error:
            raise SourceUnreadable(str(error)) from error


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (MediaProblem("damaged"), "damaged", False),
        (EncoderFailed("signal SIGSEGV"), "internal", True),
        (RuntimeError("a bug"), "internal", True),
    ],
)
async def test_what_fails_is_reported_with_its_code(
    work: FakeWork, encoders: FakeEncoders, error: Exception, code: str, retryable: bool
) -> None:
    encoders.fails = [error]
    outs = await encode(chunk(1), work)
    assert outs[0].type == "kinolog.media.ChunkFailed"
    assert (outs[0].data["code"], outs[0].data["retryable"], outs[0].data["attempt"]) == (code, retryable, 1)


async def test_a_source_that_is_no_film_is_rejected(work: FakeWork, encoders: FakeEncoders) -> None:
    encoders.fails = [MediaProblem("not_video")]
    outs = await encode(asked("ProbeRequested", started(), completed()), work)
    assert names(outs)[0] == "SourceRejected"


async def test_a_probe_that_fails_for_another_reason_is_no_rejection(
    work: FakeWork, encoders: FakeEncoders
) -> None:
    encoders.fails = [EncoderFailed("killed")]
    outs = await encode(asked("ProbeRequested", started(), completed()), work)
    assert names(outs)[0] == "WorkFailed"


@pytest.mark.parametrize("state", ["deleted", "failed"])
async def test_work_of_no_use_is_not_begun(
    work: FakeWork, encoders: FakeEncoders, library: FakeLibrary, objects: FakeObjects, state: str
) -> None:
    """A worker that was killed may have left segments after the erasure: they go with it."""
    library.states[ASSET] = state
    left = keys.segment_key(ASSET, HASH, "360p", 9)
    objects.held[left] = b"left by an earlier run"
    assert await encode(chunk(1), work) == []
    assert encoders.runs == []
    assert (left in objects.held) is (state == "failed")


async def test_work_deleted_on_its_way_clears_up_after_itself(
    work: FakeWork, encoders: FakeEncoders, library: FakeLibrary, objects: FakeObjects
) -> None:
    encoders.hold = asyncio.Event()
    event = chunk(1)
    task = asyncio.create_task(encode(event, work))
    await asyncio.gather(encoders.began.wait(), work.told.wait())
    objects.held[keys.segment_key(ASSET, HASH, "360p", 3)] = b"written already"
    library.states[ASSET] = "deleted"
    assert not await running.wanted(event, work)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [key for key in objects.held if key.startswith(keys.asset_prefix(ASSET))]
    assert names(work.reported) == ["WorkLeased", "WorkEnded"]
    assert work.reported[-1].data["outcome"] == "dropped"


async def test_work_stopped_with_its_process_says_nothing(
    work: FakeWork, encoders: FakeEncoders, objects: FakeObjects
) -> None:
    """It will be delivered again: nothing has ended."""
    encoders.hold = asyncio.Event()
    task = asyncio.create_task(encode(chunk(1), work))
    await work.told.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(work.reported) == ["WorkLeased"]


async def test_a_storyboard_is_made_of_what_is_encoded(work: FakeWork, objects: FakeObjects) -> None:
    event = asked(
        "StoryboardRequested",
        started(),
        completed(),
        probed(PLAN),
        *(encoded(i, PLAN) for i in range(PLAN["chunk_count"])),
    )
    for index in range(PLAN["chunk_count"]):
        await encode(chunk(index), work)
    outs = await encode(event, work)
    assert names(outs)[0] == "StoryboardMade"
    assert objects.held[keys.poster_key(ASSET, HASH)] == b"poster"
    assert objects.held[keys.sheet_key(ASSET, HASH, 0)] == b"sheet 0"


async def test_a_film_that_began_in_black_gets_its_poster_with_the_storyboard(
    work: FakeWork, objects: FakeObjects
) -> None:
    reports = [encoded(i, PLAN) for i in range(PLAN["chunk_count"])]
    for index in range(PLAN["chunk_count"]):
        await encode(chunk(index), work)
    del objects.held[keys.poster_key(ASSET, HASH)]
    outs = await encode(asked("StoryboardRequested", started(), completed(), probed(PLAN), *reports), work)
    assert names(outs)[0] == "StoryboardMade"
    assert objects.held[keys.poster_key(ASSET, HASH)] == b"later poster"


async def test_a_storyboard_without_its_segments_may_be_tried_again(work: FakeWork) -> None:
    event = asked(
        "StoryboardRequested",
        started(),
        completed(),
        probed(PLAN),
        *(encoded(i, PLAN) for i in range(PLAN["chunk_count"])),
    )
    outs = await encode(event, work)
    assert (outs[0].data["kind"], outs[0].data["retryable"]) == ("storyboard", True)


async def test_erasing_twice_finds_nothing_the_second_time(
    work: FakeWork, objects: FakeObjects, library: FakeLibrary
) -> None:
    library.states[ASSET] = "deleted"
    request = asked("ErasureRequested", started(), completed(), told("DeletionRequested"))
    outs = await encode(request, work)
    assert (outs[0].data["object_count"], objects.held) == (3, {})
    again = await encode(request, work)
    assert again[0].data["object_count"] == 0


async def test_the_title_of_a_deleted_film_is_forgotten_once_the_vault_is_there(
    work: FakeWork, vault: FakeVault
) -> None:
    vault.away = 2
    outs = await encode(asked("ErasureRequested", started(), told("DeletionRequested")), work)
    assert (names(outs)[0], vault.forgotten) == ("ObjectsErased", [f"asset:{ASSET}"])


async def test_a_failed_upload_keeps_its_title_until_it_is_deleted(work: FakeWork, vault: FakeVault) -> None:
    failed = told("UploadFailed", code="upload_aborted", sentence="The connection broke.")
    await encode(asked("ErasureRequested", started(), failed), work)
    assert vault.forgotten == []


@pytest.mark.parametrize(
    "lie",
    [
        {"size_bytes": 1 << 62, "part_size_bytes": 1, "part_count": (1 << 31) - 1},
        {"size_bytes": 1 << 62, "part_size_bytes": 1 << 62, "part_count": 1},
        {"size_bytes": 20 << 30, "part_size_bytes": 1, "part_count": 20 << 30},
        {"size_bytes": 10, "part_size_bytes": 0, "part_count": 1},
        {"size_bytes": 10, "part_size_bytes": -4, "part_count": -2},
        {"size_bytes": -10, "part_size_bytes": 4, "part_count": -2},
        {"size_bytes": 10, "part_size_bytes": 4, "part_count": 2},
        {"size_bytes": 10, "part_size_bytes": 4, "part_count": 4},
    ],
)
async def test_an_upload_that_cannot_be_is_refused_before_anything_is_made_of_it(
    work: FakeWork, encoders: FakeEncoders, lie: dict[str, int]
) -> None:
    for request in (asked("ProbeRequested", started(), completed()), chunk(1)):
        request.data["source"] = {**SOURCE, **lie}
        outs = await encode(request, work)
        assert outs[0].data["code"] == "upload_mismatch"
        assert names(outs)[0] in ("SourceRejected", "ChunkFailed")
    assert encoders.runs == []


async def test_the_largest_upload_is_a_setting(work: FakeWork) -> None:
    work.resources.max_upload_bytes = 10
    assert names(await encode(chunk(1), work))[0] == "ChunkEncoded"
    work.resources.max_upload_bytes = 9
    assert (await encode(chunk(2), work))[0].data["code"] == "upload_mismatch"


PROTECTION = {"scheme": "cenc", "systems": ["clearkey"], "policy_id": "default", "version": 1}


async def test_the_plan_of_a_protected_film_names_its_keys(work: FakeWork, encoders: FakeEncoders) -> None:
    encoders.found = FOUND
    event = asked("ProbeRequested", started(protection=PROTECTION), completed())
    outs = await encode(event, work)
    plan = outs[0].data["plan"]
    named = [{"label": label, "kid": kid_of(ASSET, label, 1)} for label in ("audio", "sd")]
    assert plan["protection"] == {**PROTECTION, "keys": named}
    again = await encode(event, work)
    assert again[0].data["plan"] == plan


def used(work: FakeWork) -> list[dict[str, Any]]:
    """What the log was told of the use of content keys."""
    return [out.data for out in work.reported if out.type == "kinolog.media.ContentKeysUsed"]


async def test_the_log_tells_of_keys_before_they_are_used_and_once_for_a_chunk(
    work: FakeWork, encoders: FakeEncoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoders.found = FOUND
    planned = (await encode(asked("ProbeRequested", started(protection=PROTECTION), completed()), work))[0]
    plan, given = planned.data["plan"], []
    assert used(work) == []

    def encrypting(plan: Any, result: Any, keys: dict[str, bytes], **_: Any) -> Any:
        given.append((keys, used(work)))
        if len(given) == 1:  # all of it is done again, by the same delivery
            raise ObjectStoreUnavailable("the store is away")
        return result

    monkeypatch.setattr("streams.media.work.chunks.encrypted", encrypting)
    request = asked("ChunkRequested", started(protection=PROTECTION), completed(), probed(plan), index=0)
    outs = await encode(request, work)
    assert outs[0].type == "kinolog.media.ChunkEncoded"
    assert len(given) == 2
    [(keys, told_before), _] = given
    assert used(work) == told_before
    [told_of] = told_before
    codec().encode("kinolog.media.ContentKeysUsed", told_of)
    assert told_of["kids"] == list(keys) == [key["kid"] for key in plan["protection"]["keys"]]
    assert (told_of["work_id"], told_of["chunk_index"]) == (request.data["work_id"], 0)
    shown = str(work.reported)
    assert not any(key.hex() in shown or repr(key) in shown for key in keys.values())
    await encode(request, work)  # what is there is not encrypted again: no key is used
    assert len(given) == 2
    assert used(work) == told_before


async def test_keys_that_the_log_cannot_be_told_of_are_not_used(
    work: FakeWork, encoders: FakeEncoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoders.found = FOUND
    planned = (await encode(asked("ProbeRequested", started(protection=PROTECTION), completed()), work))[0]
    plan, report = planned.data["plan"], work.report

    async def deaf(out: Out) -> None:
        if out.type == "kinolog.media.ContentKeysUsed":
            raise OSError("the log is away")
        await report(out)

    def encrypting(*_: Any, **__: Any) -> None:
        pytest.fail("keys were used")

    monkeypatch.setattr(work, "report", deaf)
    monkeypatch.setattr("streams.media.work.chunks.encrypted", encrypting)
    request = asked("ChunkRequested", started(protection=PROTECTION), completed(), probed(plan), index=0)
    outs = await encode(request, work)
    assert outs[0].type == "kinolog.media.ChunkFailed"


async def test_a_film_whose_keys_were_forgotten_is_not_planned(
    work: FakeWork, encoders: FakeEncoders
) -> None:
    encoders.found = FOUND
    tools: Tools = work.resources
    cast("FakeContentKeys", tools.content_keys).forgotten = True
    outs = await encode(asked("ProbeRequested", started(protection=PROTECTION), completed()), work)
    assert outs[0].data["code"] == "keys_missing"
