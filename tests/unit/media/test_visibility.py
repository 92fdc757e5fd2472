"""Owners and visibility: what is decided, and which listings an asset stands in."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.event import Event
from schemas.media.visibility import owner_of, visibility_of
from streams.engine import Op, Refuse
from streams.media.projections import library
from tests.unit.media.telling import ASSET, Story, completed, event, probed, started

OWNER = "a" * 32
OWNED = f"recent:owner:{OWNER}"


def change(at_ms: int = 5_000, **more: Any) -> Event:
    data = {"title": None, "visibility": None, "actor": OWNER, **more}
    return event("AssetChangeRequested", at_ms=at_ms, **data)


def shelf(*requests: Event) -> tuple[Any, list[Op]]:
    """The library's document after these requests, and the ops of the last one."""
    story, document, ops = Story(), None, []
    for request in requests:
        story.when(request)
        ops = []
        for out in story.outs:
            if out.topic == "media.asset.events":
                said = Event(type=out.type, key=out.key, data=out.data, at_ms=request.at_ms)
                document, more = library(document, said)
                ops += more
    return document, ops


def test_an_asset_has_the_owner_and_the_visibility_it_began_with() -> None:
    created = Story().when(started(owner_id=OWNER, visibility="unlisted")).data("AssetCreated")
    assert (created["owner_id"], created["visibility"]) == (OWNER, "unlisted")


def test_an_asset_of_before_is_the_administrator_s_and_private() -> None:
    created = Story().when(started()).data("AssetCreated")
    assert (created["owner_id"], created["visibility"]) == (None, "private")
    assert (owner_of({}), visibility_of({})) == (None, "private")


def test_a_visibility_that_nobody_knows_is_private() -> None:
    created = Story().when(started(visibility="everybody")).data("AssetCreated")
    assert created["visibility"] == "private"
    assert visibility_of({"visibility": "Public"}) == "private"


@pytest.mark.parametrize("before", [(), (completed(),), (completed(), probed())])
def test_title_and_visibility_change_in_every_state(before: tuple[Event, ...]) -> None:
    story = Story().given(started(), *before).when(change(title="New", visibility="public"))
    story.then("AssetChanged")
    assert story.data("AssetChanged") == {
        "asset_id": ASSET, "title": "New", "title_sealed": None, "visibility": "public", "actor": OWNER
    }  # fmt: skip


def test_a_sealed_title_is_passed_on_as_it_came() -> None:
    begun = started(title_sealed="b25l")
    document, _ = shelf(begun)
    assert document["title_sealed"] == "b25l"
    document, _ = shelf(begun, change(title_sealed="dHdv"))
    assert (document["title"], document["title_sealed"]) == ("", "dHdv")
    document, _ = shelf(begun, change(visibility="public"))
    assert document["title_sealed"] == "b25l"
    document, _ = shelf(started(), change(title_sealed="dHdv"))
    assert (document["title"], document["title_sealed"]) == ("", "dHdv")


@pytest.mark.parametrize(
    ("request_", "code"),
    [(change(), "nothing_to_change"), (change(visibility="everybody"), "visibility_unknown")],
)
def test_a_change_of_nothing_or_to_nonsense_is_refused(request_: Event, code: str) -> None:
    with pytest.raises(Refuse) as refused:
        Story().given(started()).when(request_)
    assert refused.value.code == code


def test_what_is_deleted_or_never_was_cannot_be_changed() -> None:
    with pytest.raises(Refuse) as unknown:
        Story().when(change(title="New"))
    assert unknown.value.code == "asset_unknown"
    with pytest.raises(Refuse) as deleted:
        Story().given(started(), event("DeletionRequested")).when(change(title="New"))
    assert deleted.value.code == "asset_deleted"


def test_a_new_asset_stands_in_its_listings() -> None:
    added = {
        visibility: [op.suffix for op in shelf(started(owner_id=OWNER, visibility=visibility))[1]]
        for visibility in ("public", "unlisted", "private")
    }
    assert added == {
        "public": ["recent", OWNED, "recent:public"],
        "unlisted": ["recent", OWNED],
        "private": ["recent", OWNED],
    }


def test_a_change_moves_the_asset_between_listings_at_its_old_place() -> None:
    begun = started(at_ms=1_000, owner_id=OWNER)
    document, ops = shelf(begun, change(visibility="public"))
    assert ops == [Op("ZADD", "recent:public", 1_000, ASSET)]
    assert (document["visibility"], document["title"]) == ("public", "A film")
    document, ops = shelf(begun, change(visibility="public"), change(6_000, visibility="unlisted", title="X"))
    assert ops == [Op("ZREM", "recent:public", ASSET)]
    assert (document["visibility"], document["title"]) == ("unlisted", "X")
    assert shelf(begun, change(title="Y"))[1] == []


def test_a_deleted_asset_leaves_all_listings_and_keeps_who_may_know_of_it() -> None:
    begun = started(owner_id=OWNER, visibility="public")
    document, ops = shelf(begun, event("DeletionRequested"))
    assert ops == [Op("ZREM", suffix, ASSET) for suffix in ("recent", OWNED, "recent:public")]
    assert (document["owner_id"], document["visibility"]) == (OWNER, "public")


def test_a_document_of_an_earlier_version_changes_as_any() -> None:
    document, _ = shelf(started(at_ms=1_000))
    del document["owner_id"], document["visibility"]
    changed = Event(
        type="kinolog.media.AssetChanged", key=ASSET, at_ms=9_000,
        data={"asset_id": ASSET, "title": None, "visibility": "public", "actor": "administrator"},
    )  # fmt: skip
    document, ops = library(document, changed)
    assert document is not None
    assert document["visibility"] == "public"
    assert ops == [Op("ZADD", "recent:public", 1_000, ASSET)]
