"""A finished film is protected: the decider's rules, what the library shows, what the worker does."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.event import Event
from schemas.media import objects as keys
from streams.core.content_keys import kid_of
from streams.engine import Refuse
from streams.media import life
from streams.media.plan import encoder_build
from streams.media.projections import library
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

PLAN: Any = plan_of(seconds=5)
CHUNKS = range(PLAN["chunk_count"])
BEGUN = (started(), completed(), probed(PLAN), *(encoded(i, PLAN) for i in CHUNKS))
FINISHED = (*BEGUN, storyboard_made())


def plan_with(version: int, scheme: str = "cenc", before: Any = PLAN) -> Any:
    named = {"scheme": scheme, "systems": ["clearkey"], "policy_id": "default", "version": version}
    return {**before, "profile_hash": f"f00{version}", "protection": {**named, "keys": []}}


def asked(scheme: str = "cenc", plan: Any = PLAN, systems: tuple[str, ...] = ("clearkey",)) -> Event:
    named = {"scheme": scheme, "systems": list(systems), "policy_id": "default", "version": 1}
    who = {"actor": "a" * 32, "owner_id": None, "privileged": True}
    return event("ProtectionRequested", protection=named, source=SOURCE, plan=plan, **who)


def planned(version: int = 1, **more: Any) -> Event:
    return event(
        "ProtectionPlanned", work_id=f"{ASSET}:protection", plan=plan_with(version, **more), at_ms=2_000_000
    )


def made(version: int = 1) -> list[Event]:
    """All that workers report of a protection."""
    plan = plan_with(version)
    return [
        planned(version),
        *(encoded(i, plan, poster={"width": 1280, "height": 720}) for i in CHUNKS),
        storyboard_made(profile_hash=plan["profile_hash"]),
    ]


def test_a_finished_film_is_made_anew_and_then_what_was_is_erased() -> None:
    story = Story().given(*FINISHED)
    story.when(asked()).then("ProtectionStarted", "ProtectionPlanRequested")
    request = story.data("ProtectionPlanRequested")
    assert (request["protection"]["version"], request["plan"]) == (1, PLAN)
    story.when(planned()).then(*(f"ChunkRequested#{i}" for i in CHUNKS))
    first = story.data("ChunkRequested#0")
    assert (first["plan"]["profile_hash"], first["source"], first["priority"]) == ("f001", SOURCE, 5)
    first, *others, storyboard = made()[1:]
    story.when(first).then("ChunkAccepted#0")  # no AssetPlayable: it plays
    story.given(*others).then(f"ChunkAccepted#{len(CHUNKS) - 1}", "StoryboardRequested")
    story.when(storyboard).then("AssetProtected", "ErasureRequested")
    said = story.data("AssetProtected")
    assert (said["plan"]["profile_hash"], said["poster"]["width"]) == ("f001", 1280)
    assert [r["name"] for r in said["renditions"]] == ["360p", "720p", "audio"]
    assert story.data("ErasureRequested")["prefixes"] == [keys.profile_prefix(ASSET, HASH)]
    assert story.data("ErasureRequested")["forget_title"] is False
    story.when(erased()).then("RenditionsErased")
    assert story.data("RenditionsErased")["profile_hashes"] == [HASH]
    kept = {"phase", "waiting", "profile_hash", "key_version", "erasures"}
    assert set(story.state) == kept


def refusal(story: Story, request: Event) -> str:
    before = story.state
    with pytest.raises(Refuse) as refused:
        story.when(request)
    assert story.state is before
    assert refused.value.detail.endswith(".")
    return refused.value.code


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ((started(),), "asset_not_ready"),
        ((started(), completed()), "asset_not_ready"),
        (BEGUN[:-1], "asset_not_ready"),
        (BEGUN, "pictures_pending"),
        ((started(), event("UploadFailed", code="x", sentence="X.")), "asset_failed"),
        ((*FINISHED, event("DeletionRequested")), "asset_deleted"),
        ((*FINISHED, asked()), "protection_running"),
        ((*FINISHED, asked(), *made()[:-1]), "protection_running"),
        ((*FINISHED, asked(), *made()), "film_changed"),
    ],
)
def test_what_cannot_be_protected_now_says_why(before: tuple[Event, ...], code: str) -> None:
    assert refusal(Story().given(*before), asked("cbcs")) == code


def test_the_same_again_is_told_so_and_another_scheme_has_new_keys() -> None:
    story = Story().given(*FINISHED, asked(), *made(), erased())
    assert refusal(story, asked(plan=plan_with(1))) == "protected_already"
    assert refusal(story, asked("rot13", plan=plan_with(1))) == "scheme_unknown"
    story.when(asked("cbcs", plan=plan_with(1))).then("ProtectionStarted", "ProtectionPlanRequested")
    assert story.data("ProtectionStarted")["protection"]["version"] == 2
    story.given(planned(1)).then()  # of the time before
    story.given(*made(2)).then("AssetProtected", "ErasureRequested")
    assert story.data("ErasureRequested")["prefixes"] == [keys.profile_prefix(ASSET, "f001")]


def test_a_film_protected_at_its_upload_counts_on_from_there() -> None:
    plan = plan_with(1)
    story = Story().given(started(), completed(), probed(plan), *(encoded(i, plan) for i in CHUNKS))
    story.given(storyboard_made(profile_hash="f001"))
    assert refusal(story, asked(plan=plan)) == "protected_already"
    story.when(asked(plan=plan, systems=("clearkey", "widevine")))
    assert story.data("ProtectionStarted")["protection"]["version"] == 2


@pytest.mark.parametrize(
    "end",
    [
        failed(1, retryable=False, profile_hash="f001"),
        work_failed("protection", retryable=False),
    ],
)
def test_a_protection_that_fails_leaves_the_film_as_it_was(end: Event) -> None:
    story = Story().given(*FINISHED, asked())
    begun = end.type.endswith("ChunkFailed")
    if begun:
        story.given(*made()[:2])
    story.when(end).then("ProtectionFailed", *(["ErasureRequested"] if begun else []))
    assert story.state["phase"] == "ready"
    if begun:
        assert story.data("ErasureRequested")["prefixes"] == [keys.profile_prefix(ASSET, "f001")]
        story.when(encoded(1, plan_with(1))).then()  # too late: it is erased once more
        story.when(erased()).then("ErasureRequested")
        story.when(erased(2)).then("RenditionsErased")
    story.when(asked()).then("ProtectionStarted", "ProtectionPlanRequested")
    assert story.data("ProtectionStarted")["protection"]["version"] == 2


def test_without_preview_pictures_it_is_protected_all_the_same() -> None:
    story = Story().given(*FINISHED, asked(), *made()[:-1])
    gone = work_failed("storyboard", retryable=False, work_id=f"{ASSET}:f001:storyboard")
    story.when(gone).then("AssetProtected", "ErasureRequested")
    assert story.data("AssetProtected")["storyboard"] is None


def test_what_comes_late_of_the_clear_film_is_erased_again() -> None:
    story = Story().given(*FINISHED, asked(), *made(), erased())
    late = (
        encoded(0, PLAN),
        failed(1),
        storyboard_made(),
        work_failed("storyboard", work_id=f"{ASSET}:{HASH}:storyboard"),
    )
    for count, report in enumerate(late, 2):
        story.when(report).then("ErasureRequested")
        assert story.data("ErasureRequested")["prefixes"] == [keys.profile_prefix(ASSET, HASH)]
        story.when(erased(count)).then("RenditionsErased")
    story.when(encoded(0, plan_with(1))).then()  # told twice of what it plays by


def test_silent_work_is_asked_for_again_and_a_deletion_ends_it() -> None:
    story = Story().given(*FINISHED, asked())
    story.when(due(1_000_000 + life.SILENCE_MS)).then("ProtectionPlanRequested")
    assert story.data("ProtectionPlanRequested")["attempt"] == 2
    story.given(*made()[:2])
    story.when(event("DeletionRequested")).then("AssetDeleted", "ErasureRequested")
    assert story.data("ErasureRequested")["prefixes"] == [keys.upload_prefix(ASSET), keys.asset_prefix(ASSET)]
    story.when(encoded(1, plan_with(1))).then()
    story.given(erased(1), erased(2)).then("AssetErased")
    assert set(story.state) <= {"phase", "waiting", "erasures", "fired_at_ms"}


# --- what the library shows


def shown(*requests: Event) -> Any:
    story, document = Story(), None
    for request in requests:
        story.when(request)
        for out in story.outs:
            if out.topic == "media.asset.events":
                document, _ = library(document, Event(out.type, out.key, out.data, at_ms=request.at_ms))
    return document


def test_the_library_shows_the_clear_film_until_the_protected_one_is_whole() -> None:
    ready = shown(*FINISHED)
    for count, upto in ((0, 0), (0, 1), (1, 2)):
        document = shown(*FINISHED, asked(), *made()[:upto])
        assert (document["plan"], document["protection"]) == (ready["plan"], None)
        assert (document["state"], document["renditions"]) == ("ready", ready["renditions"])
        protecting = document["protecting"]
        assert (protecting["scheme"], protecting["version"]) == ("cenc", 1)
        assert (protecting["chunks_done"], protecting["chunks_total"]) == (count, len(CHUNKS))
    document = shown(*FINISHED, asked(), *made(), erased())
    assert document["protection"]["version"] == 1
    assert (document["plan"]["profile_hash"], document["protecting"]) == ("f001", None)
    assert (document["progress"], document["done"]) == (ready["progress"], ready["done"])
    assert document["storyboard"] == ready["storyboard"]


def test_the_library_tells_why_a_film_was_not_protected_until_it_is_tried_again() -> None:
    failure = work_failed("protection", retryable=False)
    document = shown(*FINISHED, asked(), failure)
    assert document["protection_failure"] == {"code": "internal", "sentence": "It did not work."}
    assert document["state"] == "ready"
    assert document["protecting"] is None
    assert shown(*FINISHED, asked(), failure, asked())["protection_failure"] is None


# --- what the worker does


async def test_the_same_plan_is_written_with_new_keys() -> None:
    content_keys = FakeContentKeys()
    tools = Tools(FakeObjects(), FakeEncoders(), FakeLibrary(), FakeVault(), content_keys, worker="w1")
    story = Story().given(*FINISHED, asked())
    data = story.data("ProtectionPlanRequested")
    request = Event("kinolog.media.ProtectionPlanRequested", ASSET, data, id="r")
    report, *_ = await encode(request, FakeWork(tools))
    plan = report.data["plan"]
    same = {name for name in PLAN if plan[name] == PLAN[name]}
    assert same == set(PLAN) - {"profile_hash", "encoder_build", "protection"}
    assert plan["encoder_build"] == encoder_build()
    assert [key["kid"] for key in plan["protection"]["keys"]] == [
        kid_of(ASSET, label, 1) for label in ("audio", "sd", "hd")
    ]
    again, *_ = await encode(request, FakeWork(tools))
    assert again.data == report.data
    content_keys.forgotten = True
    missing, *_ = await encode(request, FakeWork(tools))
    assert (missing.data["code"], missing.data["kind"]) == ("keys_missing", "protection")
