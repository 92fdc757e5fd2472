"""What is decided in a room, told as stories: who may write what, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.chat.screening import DEFAULT_RULES_TEXT
from schemas.chat.titles import most_sealed
from schemas.chat.views import MOST_EDITS, MOST_HELD, MOST_PINNED, MOST_RECENT
from schemas.event import Event
from streams.chat import moderation, review
from streams.chat.rules import decide
from streams.chat.state import MOST_GONE, MOST_GREETED, MOST_SPEAKERS
from streams.engine import Refuse
from tests.unit.chat.telling import (
    ANN,
    BEN,
    CAT,
    DAN,
    HOLD,
    MODERATOR,
    OWNER,
    REJECT,
    START_MS,
    Story,
    changed,
    decided,
    edit,
    follows,
    members,
    mid,
    moderator,
    opened,
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

S = 1000
LATER = START_MS + 100 * S


def test_a_room_is_made_once_and_nothing_happens_before() -> None:
    Story().refused(sent(ANN, "1"), "room_unknown").when(opened()).then("RoomCreated").refused(
        opened(), "room_exists"
    )


@pytest.mark.parametrize(
    "wrong",
    [{"access": "x"}, {"mode": "x"}, {"title": ""}, {"topic": "x" * 501}, {"slow_mode_s": -1},
     {"hold_first_messages": 11}, {"report_threshold": 21}, {"report_action": ""},
     {"title": "", "title_sealed": ""}, {"title": "", "title_sealed": "x" * (most_sealed(200) + 1)},
     {"topic_sealed": "x" * (most_sealed(500) + 1)}, {"title": "in clear", "title_sealed": "and sealed"}],
)  # fmt: skip
def test_settings_have_bounds(wrong: dict[str, Any]) -> None:
    Story().refused(opened(**wrong), "bad_setting")
    room().refused(changed(**wrong), "bad_setting")


def test_a_message_is_accepted_with_all_it_brought() -> None:
    message = sent(ANN, "1", mentions=[BEN], reply_to="0" * 32, media_ms=77, rules_version=3)
    said = room().when(message).then("MessageAccepted").data("MessageAccepted")
    assert (said["message_id"], said["account_id"], said["text_sealed"]) == (mid(ANN, "1"), ANN, "1")
    assert (said["mentions"], said["reply_to"], said["media_ms"]) == ([BEN], "0" * 32, 77)
    assert (said["sent_at_ms"], said["held_ms"], said["rules_version"]) == (START_MS, None, 3)


def test_sent_twice_it_is_one_message() -> None:
    story = room().given(sent(ANN, "1"), sent(BEN, "1", found=(HOLD,)))
    story.refused(sent(ANN, "1", at_ms=LATER), "message_exists")
    story.refused(sent(BEN, "1", at_ms=LATER), "message_exists")
    story.given(removed(ANN, (ANN, "1"))).refused(sent(ANN, "1", at_ms=LATER), "message_removed")


# --- who may write


@pytest.mark.parametrize(
    ("settings", "by", "code"),
    [
        ({"archived": True}, OWNER, "room_archived"),
        ({"read_only": True}, ANN, "read_only"),
        ({"access": "members"}, ANN, "not_a_member"),
        ({"access": "members"}, CAT, "not_a_member"),
        ({"mode": "members"}, ANN, "members_only"),
        ({"mode": "members"}, CAT, "members_only"),
        ({"mode": "followers"}, ANN, "followers_only"),
        ({"mode": "followers", "followers_min_s": 60}, CAT, "followers_only"),
        ({"mode": "emotes"}, BEN, "emotes_only"),
    ],
)
def test_the_rooms_settings_say_who_may_not_write(settings: dict[str, Any], by: str, code: str) -> None:
    story = room().given(members(BEN), follows(CAT, at_ms=START_MS - 30 * S), changed(**settings))
    story.refused(sent(by, "1"), code)


@pytest.mark.parametrize(
    ("least_s", "by", "remedy"),
    [
        (0, ANN, "Only followers write in this room: follow it."),
        (60, ANN, "Only followers write in this room: follow it, and write 60 s later."),
        (60, CAT, "You have followed this room too briefly: write in 30 s."),
    ],
)
def test_who_does_not_follow_long_enough_is_told_what_to_do(least_s: int, by: str, remedy: str) -> None:
    story = room().given(
        follows(CAT, at_ms=START_MS - 30 * S), changed(mode="followers", followers_min_s=least_s)
    )
    with pytest.raises(Refuse) as refusal:
        decide(story.state, sent(by, "1", at_ms=START_MS))
    assert refusal.value.detail == remedy


@pytest.mark.parametrize(
    ("settings", "by", "more"),
    [
        ({"read_only": True}, OWNER, {}),
        ({"read_only": True}, MODERATOR, {}),
        ({"read_only": True}, ANN, {"privileged": True}),
        ({"access": "members"}, BEN, {}),
        ({"mode": "members"}, BEN, {}),
        ({"mode": "followers"}, BEN, {}),
        ({"mode": "followers", "followers_min_s": 30}, CAT, {}),
        ({"mode": "emotes"}, ANN, {"only_emotes": True}),
        ({"mode": "emotes"}, MODERATOR, {}),
    ],
)
def test_and_who_may(settings: dict[str, Any], by: str, more: dict[str, Any]) -> None:
    story = room().given(members(BEN), follows(CAT, at_ms=START_MS - 30 * S), changed(**settings))
    story.when(sent(by, "1", **more)).then("MessageAccepted")


def test_slow_mode_counts_messages_of_each_for_itself() -> None:
    story = room(slow_mode_s=10).given(sent(ANN, "1"), sent(BEN, "1"), sent(MODERATOR, "1"))
    story.refused(sent(ANN, "2", at_ms=START_MS + 9999), "slow_mode")
    story.given(edit(ANN, "1", "better", at_ms=START_MS + 5 * S)).then("MessageEdited")
    story.given(sent(ANN, "2", at_ms=START_MS + 10 * S)).then("MessageAccepted")
    story.given(sent(MODERATOR, "2")).then("MessageAccepted")


def test_a_flood_is_refused_whatever_it_is_made_of() -> None:
    story = room()
    for n in range(4):
        story.given(sent(ANN, str(n), at_ms=START_MS + n), edit(ANN, str(n), f"{n}!", at_ms=START_MS + n))
    story.refused(sent(ANN, "9", at_ms=START_MS + 9 * S), "flood")
    story.refused(edit(ANN, "0", "again", at_ms=START_MS + 9 * S), "flood")
    story.given(sent(ANN, "9", at_ms=START_MS + 10 * S)).then("MessageAccepted")


def test_the_same_text_again_and_again_is_rejected() -> None:
    story = room().given(sent(ANN, "1", text="buy"), sent(ANN, "2", text="buy"), sent(BEN, "1", text="buy"))
    story.when(sent(ANN, "3", text="buy")).then("MessageRejected", "RequestRefused")
    assert story.data("MessageRejected")["rule"] == "repeats"
    story.when(sent(ANN, "4", text="buy", at_ms=START_MS + 61 * S)).then("MessageAccepted")


# --- screening


def test_what_screening_finds_is_rejected_or_held_with_rule_and_version() -> None:
    story = room().when(sent(ANN, "1", found=(HOLD, REJECT), rules_version=7))
    story.then("MessageRejected", "RequestRefused")
    said = story.data("MessageRejected")
    assert (said["rule"], said["rules_version"], said["edit"]) == ("terms.0", 7, False)
    assert story.data("RequestRefused")["code"] == "rejected"
    said = story.when(sent(ANN, "2", found=(HOLD,), rules_version=7)).then("MessageHeld").data("MessageHeld")
    assert (said["rule"], said["score"], said["rules_version"]) == ("score:links", 0.7, 7)
    story.when(sent(MODERATOR, "1", found=(REJECT,))).then("MessageAccepted")


def test_first_messages_wait_and_who_spoke_before_is_no_stranger() -> None:
    story = room().given(sent(ANN, "0"), changed(hold_first_messages=2))
    story.when(sent(ANN, "1")).then("MessageAccepted")
    for client in ("1", "2"):
        story.when(sent(BEN, client)).then("MessageHeld")
        assert story.data("MessageHeld")["rule"] == "first_messages"
        story.given(decided((BEN, client), approved=True))
    story.when(sent(BEN, "3")).then("MessageAccepted")
    story.given(changed(hold_first_messages=0)).when(sent(CAT, "1")).then("MessageAccepted")


def test_a_held_message_comes_in_later_as_it_was_sent() -> None:
    story = room().given(sent(ANN, "1", found=(HOLD,), media_ms=5), sent(BEN, "1"))
    story.refused(decided((ANN, "1"), approved=True, by=BEN), "not_a_moderator")
    said = story.when(decided((ANN, "1"), (BEN, "1"), approved=True, by=MODERATOR, at_ms=LATER)).data(
        "MessageAccepted"
    )
    assert (said["sent_at_ms"], said["held_ms"], said["reviewer_id"]) == (START_MS, 100 * S, MODERATOR)
    assert said["media_ms"] == 5
    story.refused(decided((ANN, "1"), approved=True), "nothing_waits")


def test_a_held_message_that_is_turned_down_never_comes() -> None:
    story = room().given(sent(ANN, "1", found=(HOLD,)))
    story.when(decided((ANN, "1"), approved=False)).then("HeldRejected")
    story.refused(sent(ANN, "1", at_ms=LATER), "message_removed")


def test_each_author_is_told_of_what_was_turned_down() -> None:
    story = room().given(sent(ANN, "1", found=(HOLD,)), sent(BEN, "1", found=(HOLD,)))
    story.given(sent(ANN, "2", found=(HOLD,)))
    story.when(decided((ANN, "1"), (BEN, "1"), (ANN, "2"), approved=False))
    story.then("HeldRejected", "HeldRejected")
    assert [(out.data["account_id"], out.data["message_ids"]) for out in story.outs] == [
        (ANN, [mid(ANN, "1"), mid(ANN, "2")]), (BEN, [mid(BEN, "1")]),
    ]  # fmt: skip


def test_the_queue_has_an_end() -> None:
    story = room()
    for n in range(MOST_HELD):
        story.given(sent(f"1{n:031x}", "1", found=(HOLD,)))
    story.refused(sent(ANN, "1", found=(HOLD,)), "queue_full")
    story.when(sent(ANN, "1")).then("MessageAccepted")


# --- other texts


def test_an_author_edits_and_nobody_else() -> None:
    story = room().given(sent(ANN, "1"))
    story.refused(edit(BEN, "1", "x", of=ANN), "not_yours").refused(edit(ANN, "2", "x"), "message_unknown")
    said = story.when(edit(ANN, "1", "better")).then("MessageEdited").data("MessageEdited")
    assert (said["text_sealed"], said["edit_number"], said["shadow"]) == ("better", 1, False)
    story.given(removed(MODERATOR, (ANN, "1"))).refused(edit(ANN, "1", "x"), "message_unknown")


def test_a_message_is_edited_only_so_often() -> None:
    story = room().given(sent(MODERATOR, "1"))
    for n in range(MOST_EDITS):
        story.when(edit(MODERATOR, "1", str(n))).then("MessageEdited")
    story.refused(edit(MODERATOR, "1", "x"), "too_many_edits")


def test_another_text_is_screened_and_the_old_one_stays_until_then() -> None:
    story = room().given(sent(ANN, "1")).when(edit(ANN, "1", "bad", found=(REJECT,)))
    story.then("MessageRejected", "RequestRefused")
    story.when(edit(ANN, "1", "odd", found=(HOLD,))).then("MessageHeld")
    assert story.data("MessageHeld")["edit"] is True
    assert story.seen_by(BEN) == {mid(ANN, "1"): "1"}
    story.when(decided((ANN, "1"), approved=True)).then("MessageEdited")
    assert story.seen_by(BEN) == {mid(ANN, "1"): "odd"}
    story.given(edit(ANN, "1", "odder", found=(HOLD,))).when(decided((ANN, "1"), approved=False))
    story.then("HeldRejected")
    assert story.seen_by(BEN) == {mid(ANN, "1"): "odd"}


def test_a_newer_text_takes_the_place_of_one_that_waits() -> None:
    story = room().given(sent(ANN, "1"), edit(ANN, "1", "odd", found=(HOLD,)))
    story.when(edit(ANN, "1", "fine")).then("HeldRejected", "MessageEdited")
    assert story.desk["held"] == {}
    story.given(sent(BEN, "1", found=(HOLD,))).when(edit(BEN, "1", "harmless")).then("MessageHeld")
    assert story.data("MessageHeld")["rule"] == "score:links"
    story.when(decided((BEN, "1"), approved=True))
    assert story.data("MessageAccepted")["text_sealed"] == "harmless"


def test_only_the_newest_messages_are_remembered() -> None:
    story = room().given(sent(MODERATOR, "first"), sent(MODERATOR, "second"), edit(MODERATOR, "first", "x"))
    for n in range(MOST_RECENT - 1):
        story.given(sent(MODERATOR, str(n)))
    story.refused(edit(MODERATOR, "second", "x"), "message_unknown")
    story.when(edit(MODERATOR, "first", "y")).then("MessageEdited")


# --- what is taken away


def test_authors_and_moderators_remove() -> None:
    story = room().given(sent(ANN, "1"), sent(ANN, "2"), sent(BEN, "1"), sent(CAT, "1", found=(HOLD,)))
    story.refused(removed(BEN, (ANN, "1")), "not_yours").refused(removed(BEN, (DAN, "old")), "not_yours")
    assert story.when(removed(ANN, (ANN, "1"))).data("MessagesRemoved")["by"] == "author"
    story.when(removed(MODERATOR, (ANN, "2"), (CAT, "1"), (DAN, "old")))
    story.then("HeldRejected", "MessagesRemoved")
    said = story.data("MessagesRemoved")
    assert (said["by"], said["message_ids"]) == ("moderator", [mid(ANN, "2"), mid(DAN, "old")])
    assert story.seen_by(CAT) == {mid(BEN, "1"): "1"}
    story.when(removed(DAN, (DAN, "older"))).then("MessagesRemoved")


def test_a_purge_takes_all_of_an_account() -> None:
    story = room().given(sent(ANN, "1"), sent(BEN, "1"), sent(ANN, "2"), sent(ANN, "3", found=(HOLD,)))
    story.given(pinned(ANN, "1"), reported(BEN, ANN, "2")).refused(purged(BEN, ANN), "not_a_moderator")
    said = story.when(purged(MODERATOR, ANN)).then("MessagesPurged").data("MessagesPurged")
    assert said["message_ids"] == [mid(ANN, "1"), mid(ANN, "2"), mid(ANN, "3")]
    assert story.seen_by(CAT) == {mid(BEN, "1"): "1"}
    assert (story.room["pinned"], story.desk["held"], story.desk["reports"]) == ([], {}, {})
    assert (story.state["pinned"], story.state["held"], story.state["reports"]) == ([], {}, {})
    story.when(purged(ANN, ANN)).then("MessagesPurged")


@pytest.mark.parametrize(
    ("kind", "duration_s", "code"),
    [("timeout", 60, "timed_out"), ("ban", 60, "banned"), ("ban", None, "banned")],
)
def test_who_is_sanctioned_writes_nothing(kind: str, duration_s: int | None, code: str) -> None:
    story = room().given(sent(ANN, "1"), sanctioned(ANN, kind, duration_s, by=MODERATOR))
    story.then("MemberSanctioned").refused(sent(ANN, "2"), code).refused(edit(ANN, "1", "x"), code)
    story.refused(reported(ANN, BEN, "1"), "banned")
    if duration_s is not None:
        story.when(sent(ANN, "2", at_ms=START_MS + 60 * S)).then("MessageAccepted")
    story.refused(sanctioned(ANN, "lift", by=BEN), "not_a_moderator")
    story.when(sanctioned(ANN, "lift")).then("SanctionLifted")
    story.when(sent(ANN, "3")).then("MessageAccepted").refused(sanctioned(ANN, "lift"), "no_sanction")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (sanctioned(ANN, "x"), "bad_sanction"),
        (sanctioned(ANN, "timeout"), "bad_sanction"),
        (sanctioned(ANN, "ban", 0), "bad_sanction"),
        (sanctioned(OWNER, "ban", by=MODERATOR), "is_moderator"),
        (sanctioned(MODERATOR, "ban"), "is_moderator"),
        (sanctioned(ANN, "ban", by=ANN), "not_a_moderator"),
    ],
)
def test_not_every_sanction_can_be(request_: Event, code: str) -> None:
    room().refused(request_, code)


def test_a_ban_of_device_or_network_meets_other_accounts() -> None:
    story = room().given(sent(ANN, "1", device_hash="d1", network_hash="n1"))
    said = story.when(sanctioned(ANN, "ban", device=True)).data("MemberSanctioned")
    assert (said["with_device"], said["with_network"]) == (True, False)
    story.refused(sent(BEN, "1", device_hash="d1", network_hash="n2"), "banned")
    story.when(sent(CAT, "1", device_hash="d2", network_hash="n1")).then("MessageAccepted")
    story.when(sanctioned(ANN, "ban", network=True))
    story.refused(sent(CAT, "2", device_hash="d2", network_hash="n1"), "banned")
    assert story.when(sanctioned(DAN, "ban", device=True)).data("MemberSanctioned")["with_device"] is False


def test_a_shadow_is_seen_by_its_author_alone() -> None:
    story = room().given(sent(ANN, "0"), sanctioned(ANN, "shadow"))
    story.when(sent(ANN, "1")).then("MessageShadowed").when(sent(ANN, "2", found=(HOLD,)))
    story.then("MessageShadowed").when(edit(ANN, "1", "one", found=(HOLD,))).then("MessageEdited")
    assert story.data("MessageEdited")["shadow"] is True
    story.when(edit(ANN, "0", "nil"))
    assert story.data("MessageEdited")["shadow"] is True
    assert story.seen_by(BEN) == {mid(ANN, "0"): "0"}
    assert story.seen_by(ANN) == {mid(ANN, "0"): "nil", mid(ANN, "1"): "one", mid(ANN, "2"): "2"}
    story.refused(pinned(ANN, "1"), "message_unknown").refused(reacted(ANN, "1", heart=1), "message_unknown")
    story.refused(reported(ANN, BEN, "1"), "reported_already")
    story.given(sanctioned(ANN, "lift")).when(edit(ANN, "1", "still"))
    assert story.data("MessageEdited")["shadow"] is True


def test_sanctions_that_are_over_are_said_to_be() -> None:
    story = room().given(sanctioned(ANN, "timeout", 60), sanctioned(BEN, "ban"))
    story.when(sanctioned(CAT, "ban", at_ms=LATER)).then("SanctionLifted", "MemberSanctioned")
    assert story.data("SanctionLifted")["reason"] == "over"
    assert list(story.state["sanctions"]) == [BEN, CAT]


def test_of_too_many_sanctions_the_oldest_is_lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moderation, "MOST_SANCTIONS", 2)
    story = room().given(sanctioned(ANN, "ban"), sanctioned(BEN, "ban"), sanctioned(ANN, "timeout", 60))
    story.when(sanctioned(CAT, "ban")).then("SanctionLifted", "MemberSanctioned")
    said = story.data("SanctionLifted")
    assert (said["account_id"], said["reason"]) == (BEN, "replaced")


# --- reports


def test_reports_of_enough_people_take_a_message_out_of_sight() -> None:
    story = room(report_threshold=2, report_action="hold").given(sent(ANN, "1"))
    story.refused(reported(ANN, ANN, "1"), "own_message")
    story.when(reported(BEN, ANN, "1")).then("MessageReported")
    story.refused(reported(BEN, ANN, "1", at_ms=LATER), "reported_already")
    story.when(reported(CAT, ANN, "1")).then("MessageReported", "MessagesRemoved", "MessageHeld")
    assert (story.seen_by(DAN), list(story.desk["held"]), story.desk["reports"]) == ({}, [mid(ANN, "1")], {})
    story.when(decided((ANN, "1"), approved=True)).then("MessageAccepted")
    assert story.seen_by(DAN) == {mid(ANN, "1"): "1"}
    story.refused(reported(DAN, ANN, "1"), "reported_already")


def test_reported_ones_stay_or_go_by_a_moderators_word() -> None:
    story = room(report_threshold=1).given(sent(ANN, "1"), sent(ANN, "2"))
    story.when(reported(BEN, ANN, "1")).then("MessageReported")
    assert story.data("MessageReported")["reached"] is True
    story.given(reported(BEN, ANN, "2")).when(decided((ANN, "1"), approved=True)).then("ReportsDismissed")
    story.when(decided((ANN, "2"), approved=False)).then("MessagesRemoved")
    assert (story.seen_by(CAT), story.desk["reports"]) == ({mid(ANN, "1"): "1"}, {})


def test_an_edit_clears_no_report() -> None:
    story = room().given(sent(ANN, "1"), reported(BEN, ANN, "1"), edit(ANN, "1", "harmless"))
    assert list(story.desk["reports"]) == [mid(ANN, "1")]


def test_of_too_many_reports_the_oldest_leave_the_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "MOST_REPORTED", 2)
    story = room().given(*(reported(BEN, ANN, client) for client in "12"))
    story.given(decided((ANN, "2"), approved=True)).when(reported(BEN, ANN, "3"))
    story.then("MessageReported", "ReportsDismissed").when(reported(BEN, ANN, "4")).then("MessageReported")
    assert list(story.state["reports"]) == list(story.desk["reports"]) == [mid(ANN, "3"), mid(ANN, "4")]


# --- the rest


def test_pins_are_few_and_follow_their_message() -> None:
    story = room().given(*(sent(MODERATOR, str(n)) for n in range(MOST_PINNED + 1)))
    story.refused(pinned(MODERATOR, "0", by=ANN), "not_a_moderator")
    for n in range(MOST_PINNED):
        story.when(pinned(MODERATOR, str(n))).then("MessagePinned")
    story.refused(pinned(MODERATOR, "0"), "nothing_to_change")
    story.refused(pinned(MODERATOR, str(MOST_PINNED)), "too_many_pins")
    story.given(edit(MODERATOR, "1", "better"), removed(MODERATOR, (MODERATOR, "0")))
    shown = [pin["message"]["text_sealed"] for pin in story.room["pinned"]]
    assert shown == ["better", "2", "3", "4"]
    story.refused(pinned(MODERATOR, "0"), "message_removed")
    story.when(pinned(MODERATOR, "1", on=False)).then("MessageUnpinned")
    story.refused(pinned(MODERATOR, "1", on=False), "nothing_to_change")


def test_reactions_add_up() -> None:
    story = room().given(sent(ANN, "1"), reacted(heart=2), reacted(ANN, "1", heart=1, fire=3))
    assert story.when(reacted(heart=5)).data("ReactionsCounted")["totals"] == {"heart": 7}
    said = story.when(reacted(ANN, "1", heart=1)).data("ReactionsCounted")
    assert said["totals"] == {"fire": 3, "heart": 2}
    story.refused(reacted(BEN, "1", heart=1), "message_unknown").refused(reacted(), "bad_reactions")
    story.refused(reacted(heart=0), "bad_reactions")
    story.refused(reacted(**{f"r{n}": 1 for n in range(33)}), "too_many_reactions")
    story.given(changed(archived=True)).refused(reacted(heart=1), "room_archived")


def test_moderators_are_the_owners_choice() -> None:
    story = room().refused(moderator(ANN, by=MODERATOR), "not_the_owner")
    story.given(sanctioned(ANN, "ban")).when(moderator(ANN)).then("SanctionLifted", "ModeratorsChanged")
    assert story.data("ModeratorsChanged")["moderators"] == [MODERATOR, ANN]
    story.refused(moderator(ANN), "nothing_to_change")
    story.when(moderator(ANN, on=False)).then("ModeratorsChanged").refused(changed(by=ANN), "not_a_moderator")


def test_people_follow_for_themselves_and_are_made_members_by_others() -> None:
    story = room().refused(members(ANN, by=BEN, kind="follower"), "not_yourself")
    story.refused(members(ANN, by=ANN), "not_a_moderator").when(follows(ANN)).then("MembersChanged")
    story.refused(follows(ANN), "nothing_to_change")
    said = story.when(members(ANN, BEN, ANN)).data("MembersChanged")
    assert (said["account_ids"], said["member_count"], said["follower_count"]) == ([ANN, BEN], 2, 0)
    story.refused(members(ANN, by=BEN, on=False), "not_yourself")
    story.when(members(ANN, by=ANN, on=False)).then("MembersChanged")
    story.when(members(BEN, by=MODERATOR, on=False)).then("MembersChanged")
    story.given(changed(access="members")).refused(follows(CAT), "not_a_member")


def test_screening_rules_change_one_version_at_a_time() -> None:
    story = room().refused(screening("{}", based_on=1), "rules_changed")
    story.refused(screening("[]", based_on=0), "bad_rules")
    story.refused(screening("{}", based_on=0, by=ANN), "not_a_moderator")
    assert story.when(screening("{}", based_on=0, by=MODERATOR)).data("ScreeningChanged")["version"] == 1
    assert story.room["rules_version"] == 1
    for n in range(30):  # no flood, no repeats: the rules do not speak of them
        story.when(sent(ANN, str(n), text="same")).then("MessageAccepted")
    story.when(screening(DEFAULT_RULES_TEXT, based_on=1)).then("ScreeningChanged")
    for n in range(30, 32):
        story.given(sent(ANN, str(n), text="same", at_ms=LATER))
    story.when(sent(ANN, "last", text="same", at_ms=LATER)).then("MessageRejected", "RequestRefused")


def test_whatever_a_crowd_does_a_room_remembers_no_more_than_it_says() -> None:
    story = room().given(screening("{}", based_on=0), changed(hold_first_messages=1))
    state = story.state
    for n in range(MOST_GREETED + 20):
        who = f"1{n:031x}"
        for each in (sent(who, "1"), decided((who, "1"), approved=True), removed(OWNER, (who, "1"))):
            state, _ = decide(state, each)
    sizes = {name: len(state[name]) for name in ("greeted", "speakers", "gone", "recent", "held")}
    assert sizes == {
        "greeted": MOST_GREETED, "speakers": MOST_SPEAKERS, "gone": MOST_GONE, "recent": 0, "held": 0,
    }  # fmt: skip


def test_a_sealed_text_takes_the_place_of_one_in_clear_and_the_other_way_round() -> None:
    story = room(title="", title_sealed="b25l", topic="In clear").when(changed(topic_sealed="dHdv"))
    said = story.data("RoomChanged")["settings"]
    texts = ("title", "title_sealed", "topic", "topic_sealed")
    assert [said[name] for name in texts] == ["", "b25l", "", "dHdv"]
    assert story.room["settings"] == said
    story.when(changed(title_sealed="dHJl", topic=""))
    assert [story.room["settings"][name] for name in texts] == ["", "dHJl", "", None]
    story.when(changed(slow_mode_s=5))
    assert [story.room["settings"][name] for name in texts] == ["", "dHJl", "", None]


def test_what_a_room_remembers_from_before_texts_were_sealed_is_as_good() -> None:
    before = room()
    for name in ("title_sealed", "topic_sealed"):
        del before.state["settings"][name]
    before.refused(changed(title="The room"), "nothing_to_change")
    assert before.when(changed(title_sealed="b25l")).data("RoomChanged")["settings"]["title_sealed"] == "b25l"


def test_nothing_to_change_is_said() -> None:
    room().refused(changed(title="The room"), "nothing_to_change").when(changed(topic="New")).then(
        "RoomChanged"
    )
