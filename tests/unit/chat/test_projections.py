"""What rooms and their moderators see: the stream, what is deleted from it, and the rows that stay."""

from __future__ import annotations

from typing import Any

import orjson

from schemas.chat.views import KEPT_RULES, STREAM_LENGTH, epoch, is_room_id, room_id_of_asset
from tests.unit.chat.telling import (
    ANN,
    BEN,
    CAT,
    HOLD,
    MODERATOR,
    OWNER,
    REJECT,
    ROOM,
    START_MS,
    Story,
    changed,
    decided,
    edit,
    follows,
    members,
    mid,
    pinned,
    purged,
    reacted,
    removed,
    reported,
    room,
    sanctioned,
    screening,
    sent,
)

STREAM, DESK = f"room:{ROOM}", f"desk:{ROOM}"


def kinds(story: Story) -> list[str]:
    return [delta["kind"] for delta in story.stream]


def test_ids_of_rooms_and_epochs() -> None:
    assert room_id_of_asset("film-1") == "a-film-1"
    assert [is_room_id(text) for text in ("a-film-1", ROOM, "a-", "r-1", "x", ROOM + "0")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert epoch(2, 12) == "2-12"


def test_every_delta_is_added_and_published_and_names_the_one_before() -> None:
    story = room().given(
        sent(ANN, "1"), edit(ANN, "1", "x"), sent(BEN, "1", found=(HOLD,)), changed(topic="t")
    )
    told = story.shelf.told[STREAM]
    assert told == story.stream
    assert [delta["kind"] for delta in told] == ["moderators", "message", "edited", "room"]
    assert [delta["prev"] for delta in told] == [-1, *(delta["id"] for delta in told[:-1])]
    assert story.room["last"] == told[-1]["id"]
    assert story.shelf.zsets == {"recent": {ROOM: START_MS}}


def test_a_delta_says_what_it_needs_to() -> None:
    story = room().given(sent(ANN, "1", mentions=[BEN], media_ms=7), edit(ANN, "1", "x"))
    message, edited = story.stream[-2:]
    assert message == {
        "id": 2, "prev": 1, "at_ms": START_MS, "kind": "message", "message_id": mid(ANN, "1"),
        "account_id": ANN, "text_sealed": "1", "mentions": [BEN], "reply_to": None, "media_ms": 7,
        "sent_at_ms": START_MS,
    }  # fmt: skip
    assert edited == {
        "id": 3, "prev": 2, "at_ms": START_MS, "kind": "edited", "message_id": mid(ANN, "1"),
        "account_id": ANN, "text_sealed": "x", "mentions": [], "edit_number": 1,
    }  # fmt: skip


def test_nothing_in_the_stream_shows_a_removed_message() -> None:
    story = room().given(
        sent(ANN, "secret"),
        edit(ANN, "secret", "secret too"),
        pinned(ANN, "secret"),
        edit(ANN, "secret", "secret again"),
        sent(BEN, "1"),
        removed(MODERATOR, (ANN, "secret")),
    )
    assert kinds(story) == ["moderators", "message", "removed"]
    assert b"secret" not in orjson.dumps([story.stream, story.room, story.desk])
    assert story.room["pinned"] == []
    assert story.seen_by(CAT) == {mid(BEN, "1"): "1"}


def test_nor_does_anything_of_a_purged_account() -> None:
    story = room().given(sent(BEN, "1"), pinned(ANN, "secret of long ago"), sent(ANN, "secret"))
    story.given(sent(ANN, "secret held", found=(HOLD,)), reported(CAT, ANN, "secret reported"))
    story.given(sanctioned(ANN, "shadow"), sent(ANN, "secret shadow"), purged(MODERATOR, ANN))
    assert b"secret" not in orjson.dumps([story.stream, story.room, story.desk])
    assert kinds(story) == ["moderators", "message", "purged"]


def test_an_unpinned_message_leaves_its_pin() -> None:
    story = room().given(sent(ANN, "1"))
    for _ in range(3):
        story.given(pinned(ANN, "1"), pinned(ANN, "1", on=False))
    assert kinds(story) == ["moderators", "message", "unpinned", "unpinned", "unpinned"]
    assert story.room["entries"] == {mid(ANN, "1"): [2]}


def test_applause_does_not_push_messages_out() -> None:
    story = room().given(sent(ANN, "1"))
    for _ in range(STREAM_LENGTH):
        story.given(reacted(heart=1), reacted(ANN, "1", fire=2))
    assert kinds(story) == ["moderators", "message", "reactions", "reactions"]
    assert story.stream[-1]["totals"] == {"fire": 2 * STREAM_LENGTH}
    assert story.room["reactions"] == {"heart": STREAM_LENGTH}
    assert len(story.shelf.told[STREAM]) == 2 + 2 * STREAM_LENGTH


def test_the_stream_has_an_end_and_the_document_too() -> None:
    story = room()
    for n in range(STREAM_LENGTH + 5):
        story.given(sent(MODERATOR, str(n)))
    assert len(story.stream) == STREAM_LENGTH
    assert story.room["entries"].keys() == story.state["recent"].keys()
    assert story.room["message_count"] == STREAM_LENGTH + 5


def test_a_shadow_shows_its_own_messages_to_it_alone() -> None:
    story = room().given(sanctioned(ANN, "shadow"), sent(ANN, "1"), edit(ANN, "1", "x"))
    assert [(delta["kind"], delta.get("only")) for delta in story.stream[1:]] == [
        ("message", ANN), ("edited", ANN),
    ]  # fmt: skip
    story.given(sanctioned(ANN, "lift"), sanctioned(ANN, "timeout", 60), sanctioned(ANN, "lift"))
    assert [(delta["kind"], delta.get("only")) for delta in story.stream[3:]] == [
        ("sanction", ANN), ("lifted", ANN),
    ]  # fmt: skip


def test_an_author_alone_is_told_what_was_turned_down() -> None:
    story = room().given(sent(ANN, "1", found=(HOLD,)), sent(ANN, "2", found=(HOLD,)))
    story.given(decided((ANN, "1"), approved=False), removed(ANN, (ANN, "2")))
    assert [(delta["kind"], delta.get("only")) for delta in story.stream[1:]] == [("declined", ANN)]
    assert story.stream[-1]["message_ids"] == [mid(ANN, "1")]


def test_members_are_told_of_and_followers_only_counted() -> None:
    story = room().given(follows(ANN), members(ANN, BEN), follows(CAT), members(BEN, on=False))
    assert kinds(story) == ["moderators", "membership", "membership"]
    held = story.shelf.hashes[f"members:{ROOM}"]
    assert {account: orjson.loads(view)["kind"] for account, view in held.items()} == {
        ANN: "member", CAT: "follower",
    }  # fmt: skip
    assert (story.room["member_count"], story.room["follower_count"]) == (1, 1)


# --- the moderators' desk


def test_the_desk_has_what_waits_and_tells_of_it() -> None:
    story = room().given(sent(ANN, "1", found=(HOLD,)), sent(ANN, "2", found=(REJECT,)), sent(BEN, "1"))
    story.given(reported(CAT, BEN, "1"), reported(ANN, BEN, "1", reason="spam"))
    held = story.desk["held"][mid(ANN, "1")]
    assert (held["message"]["text_sealed"], held["rule"], held["score"]) == ("1", "score:links", 0.7)
    report = story.desk["reports"][mid(BEN, "1")]
    assert (report["reporters"], report["reasons"]) == (2, {"abuse": 1, "spam": 1})
    story.given(decided((ANN, "1"), approved=True), decided((BEN, "1"), approved=True))
    assert (story.desk["held"], story.desk["reports"]) == ({}, {})
    told = story.shelf.told[DESK]
    assert [delta["kind"] for delta in told] == [
        "held", "rejected", "reported", "reported", "decided", "decided",
    ]  # fmt: skip
    assert [delta["prev"] for delta in told] == [-1, *(delta["id"] for delta in told[:-1])]
    assert told[1]["rule"] == "terms.0"


def test_sanctions_and_rules_stand_in_hashes() -> None:
    story = room().given(sanctioned(ANN, "shadow", 60, device=True), sanctioned(BEN, "ban"))
    held: dict[str, Any] = {a: orjson.loads(v) for a, v in story.shelf.hashes[f"sanctions:{ROOM}"].items()}
    assert (held[ANN]["kind"], held[ANN]["until_ms"], held[BEN]["until_ms"]) == (
        "shadow", START_MS + 60_000, None,
    )  # fmt: skip
    assert held[ANN]["actor_id"] == OWNER
    story.given(sanctioned(ANN, "lift"))
    assert list(story.shelf.hashes[f"sanctions:{ROOM}"]) == [BEN]
    for n in range(KEPT_RULES + 2):
        story.given(screening("{}", based_on=n))
    kept = story.shelf.hashes[f"screening:{ROOM}"]
    assert list(kept) == [str(n) for n in range(3, KEPT_RULES + 3)]


# --- rows


def test_every_message_that_an_event_touches_has_a_row_and_every_sanction() -> None:
    story = room(report_threshold=1, report_action="hold").given(
        sent(ANN, "1", media_ms=9, rules_version=4),
        sent(ANN, "2", found=(HOLD,)),
        sent(ANN, "3", found=(REJECT,)),
        edit(ANN, "1", "x"),
        decided((ANN, "2"), approved=True, at_ms=START_MS + 5),
        reacted(ANN, "1", heart=2),
        reported(BEN, ANN, "1"),
        decided((ANN, "1"), approved=False),
        sanctioned(CAT, "shadow"),
        sent(CAT, "1"),
        edit(CAT, "1", "y"),
        removed(MODERATOR, (CAT, "1"), (BEN, "old")),
        purged(MODERATOR, ANN),
    )
    assert [(row["kind"], row["message_id"]) for row in story.rows] == [
        ("message", mid(ANN, "1")), ("held", mid(ANN, "2")), ("rejected", mid(ANN, "3")),
        ("edited", mid(ANN, "1")), ("message", mid(ANN, "2")), ("reactions", mid(ANN, "1")),
        ("reported", mid(ANN, "1")), ("removed", mid(ANN, "1")), ("held", mid(ANN, "1")),
        ("declined", mid(ANN, "1")), ("shadow", ""), ("shadowed", mid(CAT, "1")),
        ("shadow_edited", mid(CAT, "1")),
        ("removed", mid(CAT, "1")), ("removed", mid(BEN, "old")), ("purged", ""),
    ]  # fmt: skip
    first = story.rows[0]
    assert (first["media_ms"], first["rules_version"], first["text_sealed"]) == (9, 4, "1")
    assert (story.rows[4]["sent_at_ms"], story.rows[4]["at_ms"]) == (START_MS, START_MS + 5)
    assert story.rows[5]["totals"] == {"heart": 2}
    assert story.rows[-1]["account_id"] == ANN
    assert all(row.keys() == first.keys() for row in story.rows)
