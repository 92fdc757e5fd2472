"""Who gets a licence, and what plays where: each reason by hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from schemas.drm.views import ALL_FILMS, MOST_LICENCES
from schemas.event import Event
from schemas.wire import codec
from streams.drm.rules import departed
from streams.drm.state import AGAIN_MS, MOST_DEVICES, MOST_REPLAYS, TOKEN_MS
from tests.unit.drm.telling import (
    ACCOUNT,
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
    event,
    left,
    names,
    right,
    stopped,
    stream_of,
    switched,
    timer,
)  # fmt: skip

LATER_MS = START_MS + 1000


def test_a_licence_starts_a_stream_on_a_new_device_and_is_kept_as_a_row() -> None:
    story = Story()
    said = story.tell(asked(id="l1"))
    assert names(said) == ["DeviceAdded", "StreamStarted", "LicenceGranted", "TimerSet"]
    assert story.document is not None
    assert story.document["licences"]["l1"]["kids"] == ["k1", "k2"]
    assert story.document["streams"][stream_of(TV)]["until_ms"] == START_MS + LEASE_MS
    assert [(row["licence_id"], row["outcome"], row["code"]) for row in story.rows] == [("l1", "granted", "")]


@pytest.mark.parametrize(
    ("code", "rules", "more"),
    [
        ("no_such_key", {}, {"kids": []}),
        ("asset_stopped", {}, {"asset_stopped": True}),
        ("too_early", {"not_before_ms": START_MS + 1}, {}),
        ("too_late", {"not_after_ms": START_MS}, {}),
        ("country_unknown", {"countries_denied": ["DE"]}, {}),
        ("country_denied", {"countries_denied": ["DE"]}, {"country": "DE"}),
        ("country_denied", {"countries_allowed": ["FR"]}, {"country": "DE"}),
        ("anonymiser_denied", {"deny_anonymisers": True}, {"anonymiser": True}),
        ("anonymiser_denied", {"deny_anonymisers": True}, {"anonymiser": None}),
        ("device_denied", {"devices_denied": [TV]}, {}),
        ("device_denied", {"devices_allowed": [PHONE]}, {}),
        ("system_denied", {"systems_allowed": ["widevine"]}, {}),
        ("system_denied", {}, {"systems": ["widevine", "playready"]}),
        ("offline_denied", {}, {"offline": True, "enforces": ["offline"]}),
        ("unenforceable", {"offline": True}, {"offline": True}),
        ("unenforceable", {"licence_s": 60}, {}),
        ("unenforceable", {"playback_s": 60}, {"enforces": ["licence_s"]}),
        ("unenforceable", {"renew_every_s": 60}, {}),
        ("unenforceable", {"hdcp": {"uhd": "HDCP_V2_2"}}, {}),
        ("unenforceable", {"min_security_level": 1}, {"security_level": 3}),
        (
            "security_level",
            {"min_security_level": 3},
            {"security_level": 1, "enforces": ["min_security_level"]},
        ),
        ("no_right", {}, {"access": "members"}),
        ("no_right", {}, {"access": "rental"}),
        ("no_right", {}, {"access": "purchase"}),
    ],
)
def test_reasons_against_it(code: str, rules: dict[str, Any], more: dict[str, Any]) -> None:
    story = Story()
    assert story.outcome(asked(rules=rules, **more)) == code
    assert story.document is not None
    assert (story.document["streams"], story.document["devices"]) == ({}, {})
    assert [(row["outcome"], row["code"]) for row in story.rows] == [("denied", code)]


@pytest.mark.parametrize(
    ("rules", "more"),
    [
        ({"not_before_ms": START_MS, "not_after_ms": START_MS + 1}, {}),
        ({"countries_allowed": ["DE"], "countries_denied": ["FR"]}, {"country": "DE"}),
        ({"deny_anonymisers": True}, {"anonymiser": False}),
        ({"devices_allowed": [TV]}, {}),
        ({"offline": True}, {"offline": True, "enforces": ["offline"]}),
        ({"min_security_level": 1}, {"security_level": 1, "enforces": ["min_security_level"]}),
        # The system's server knows the device, and is told the least level with the licence.
        ({"min_security_level": 1}, {"security_level": None, "enforces": ["min_security_level"]}),
        ({}, {"systems": ["clearkey", "widevine"]}),
        ({}, {"access": "purchase", "privileged": True}),
    ],
)
def test_what_the_policy_allows(rules: dict[str, Any], more: dict[str, Any]) -> None:
    assert Story().outcome(asked(rules=rules, **more)) == "granted"


@pytest.mark.parametrize(
    ("access", "kind", "film", "opens"),
    [
        ("purchase", "bought", FILM, True), ("purchase", "rented", FILM, False),
        ("purchase", "bought", OTHER_FILM, False), ("rental", "rented", FILM, True),
        ("rental", "bought", FILM, True), ("rental", "member", ALL_FILMS, False),
        ("members", "member", ALL_FILMS, True), ("members", "rented", FILM, True),
    ],
)  # fmt: skip
def test_rights(access: str, kind: str, film: str, opens: bool) -> None:
    story = Story()
    assert story.outcome(right(kind, film)) == "RightChanged"
    assert story.outcome(asked(access=access)) == ("granted" if opens else "no_right")


def test_a_right_ends_with_its_time_and_when_it_is_taken_back() -> None:
    story = Story()
    story.tell(right("rented", until_ms=LATER_MS))
    assert story.outcome(asked(access="rental")) == "granted"
    assert story.outcome(asked(access="rental", at_ms=LATER_MS)) == "right_ended"
    story.tell(right("bought"))
    assert story.outcome(asked(access="rental", at_ms=LATER_MS, token="b")) == "granted"
    assert story.outcome(right("none")) == "RightChanged"
    assert story.outcome(right("none")) == "no_such_right"
    assert story.outcome(asked(access="rental", at_ms=LATER_MS, token="c")) == "no_right"


@pytest.mark.parametrize(
    ("rules", "until_ms", "ends_ms"),
    [
        ({"licence_s": 60}, None, START_MS + 60_000),
        ({"licence_s": 60, "not_after_ms": START_MS + 5}, None, START_MS + 5),
        ({"licence_s": 60}, START_MS + 7, START_MS + 7),
        ({}, None, None),
    ],
)
def test_a_licence_ends_with_the_first_of_its_time_its_window_and_its_right(
    rules: dict[str, Any], until_ms: int | None, ends_ms: int | None
) -> None:
    story = Story()
    story.tell(right("rented", until_ms=until_ms))
    story.tell(asked(rules=rules, access="rental", enforces=["licence_s"], id="l"))
    assert story.document is not None
    assert story.document["licences"]["l"]["expires_at_ms"] == ends_ms


def test_one_stream_more_than_allowed_is_denied_and_says_what_plays() -> None:
    story, two = Story(), {"max_streams": 2}
    assert story.outcome(asked(TV, rules=two)) == "granted"
    assert story.outcome(asked(PHONE, rules=two)) == "granted"
    assert story.outcome(asked(TABLET, rules=two, id="third")) == "too_many_streams"
    assert story.document is not None
    assert story.document["licences"]["third"]["streams"] == [stream_of(TV), stream_of(PHONE)]
    assert story.outcome(stopped(stream_of(TV))) == "StreamEnded"
    assert story.outcome(asked(TABLET, rules=two, at_ms=LATER_MS)) == "granted"


def test_the_same_film_begun_anew_on_the_same_device_takes_the_stream_s_place() -> None:
    story, one = Story(), {"max_streams": 1}
    story.tell(asked(rules=one))
    said = story.tell(asked(rules=one, at_ms=LATER_MS, number=1))
    assert names(said) == ["StreamEnded", "StreamStarted", "LicenceGranted"]
    assert said[0].data["reason"] == "replaced"
    assert story.outcome(asked(film=OTHER_FILM, rules=one, at_ms=LATER_MS)) == "too_many_streams"
    assert story.outcome(beat(stream_of(TV), LATER_MS)) == "stream_ended"


def test_a_renewal_goes_on_with_its_stream() -> None:
    story, one = Story(), {"max_streams": 1}
    story.tell(asked(rules=one))
    assert names(story.tell(asked(rules=one, at_ms=LATER_MS))) == ["StreamKept", "LicenceGranted"]


def test_a_stream_without_beats_ends_with_its_lease_also_where_the_timer_is_late() -> None:
    story, one = Story(), {"max_streams": 1}
    story.tell(asked(rules=one))
    assert story.outcome(beat(stream_of(TV), LATER_MS)) == "StreamKept"
    end_ms = LATER_MS + LEASE_MS
    assert story.outcome(asked(PHONE, rules=one, at_ms=end_ms - 1)) == "too_many_streams"
    said = story.tell(asked(PHONE, rules=one, at_ms=end_ms))
    assert names(said)[0] == "StreamEnded"
    assert said[0].data["reason"] == "lapsed"
    assert "LicenceGranted" in names(said)


def test_the_timer_looks_again_as_long_as_anything_plays() -> None:
    story = Story()
    first = story.tell(asked())[-1].data["due_at_ms"]
    assert first == START_MS + LEASE_MS
    assert names(story.tell(beat(stream_of(TV), LATER_MS))) == ["StreamKept"]
    again = story.tell(timer(first, first))
    assert names(again) == ["TimerSet"]
    due_ms = again[0].data["due_at_ms"]
    assert due_ms == LATER_MS + LEASE_MS
    assert names(story.tell(timer(first, first + 1))) == []  # a reminder that comes twice
    assert names(story.tell(timer(due_ms, due_ms))) == ["StreamEnded"]
    assert story.state is not None
    assert story.state["timer_at_ms"] is None


def test_one_device_more_than_allowed_is_denied_until_another_is_forgotten() -> None:
    story, two = Story(), {"max_devices": 2}
    for device in (TV, PHONE):
        assert story.outcome(asked(device, rules=two)) == "granted"
    assert story.outcome(asked(TABLET, rules=two, id="third")) == "too_many_devices"
    assert story.document is not None
    assert story.document["licences"]["third"]["devices"] == [TV, PHONE]
    removal = event("DeviceRemovalRequested", LATER_MS, device_id=TV, actor=ACCOUNT)
    assert names(story.tell(removal)) == ["StreamEnded", "DeviceRemoved"]
    assert story.outcome(removal) == "no_such_device"
    assert story.outcome(asked(TABLET, rules=two, at_ms=LATER_MS)) == "granted"


def test_of_an_account_without_a_limit_the_oldest_device_is_forgotten() -> None:
    story = Story()
    for number in range(MOST_DEVICES + 1):
        assert story.outcome(asked(f"d{number}")) == "granted"
    assert story.document is not None
    assert [*story.document["devices"]] == [f"d{number}" for number in range(1, MOST_DEVICES + 1)]


@pytest.mark.parametrize(("device", "code"), [("", "account_stopped"), (TV, "device_stopped")])
def test_the_switch_ends_what_plays_and_gives_nothing_until_it_is_on_again(device: str, code: str) -> None:
    story = Story()
    story.tell(asked(token="t"))
    said = story.tell(switched(device))
    assert names(said) == ["StopChanged", "StreamEnded"]  # who sees it end sees why
    assert said[1].data["reason"] == "killed"
    assert story.outcome(asked(at_ms=LATER_MS)) == code
    assert story.outcome(asked(token="t")) == "token_used"  # not even the licence of before, once more
    assert story.outcome(asked(PHONE)) == ("granted" if device else code)
    story.tell(switched(device, off=False))
    assert story.outcome(asked(at_ms=LATER_MS, token="u")) == "granted"


def test_one_token_makes_one_licence_which_may_be_asked_for_once_more() -> None:
    story = Story()
    assert story.outcome(asked(token="t", id="first")) == "granted"
    said = story.tell(asked(token="t", id="again", at_ms=START_MS + AGAIN_MS - 1))
    assert names(said) == ["LicenceRepeated"]
    assert story.document is not None
    assert story.document["repeated"] == {"again": "first"}
    for at_ms, more in (
        (START_MS + AGAIN_MS, {}),
        (LATER_MS, {"challenge_hash": "other"}),
        (LATER_MS, {"device_id": PHONE}),
        (START_MS + TOKEN_MS - 1, {}),
    ):
        assert story.outcome(asked(token="t", at_ms=at_ms, **more)) == "token_used"
    assert [row["outcome"] for row in story.rows].count("granted") == 1


def test_the_licence_log_tells_of_replays_and_no_flood_of_them_fills_it() -> None:
    """Nor do they push out what the log, or the account's document, has to say of others."""
    story = Story()
    for token in ("t", "u"):
        assert story.outcome(asked(token=token, id=f"{token}-first")) == "granted"
    for number in range(2 * MOST_LICENCES):
        replay = asked(token="t", id=f"t-{number}", at_ms=LATER_MS + number, challenge_hash="other")
        assert story.outcome(replay) == "token_used"
    assert (
        story.outcome(asked(token="t", id="t-again", at_ms=LATER_MS)) == "again"
    )  # its player is not shut out by them
    assert story.outcome(asked(PHONE, token="u", id="u-0", at_ms=LATER_MS, country="FR")) == "token_used"
    told = [row for row in story.rows if row["outcome"] == "denied"]
    assert [row["licence_id"] for row in told] == [*(f"t-{number}" for number in range(MOST_REPLAYS)), "u-0"]
    assert {row["code"] for row in told} == {"token_used"}
    assert (told[-1]["device_id"], told[-1]["country"]) == (PHONE, "FR")
    assert story.document is not None
    assert not story.document["licences"]["t-first"]["code"]


def test_a_denied_request_burns_no_token() -> None:
    story = Story()
    assert story.outcome(asked(token="t", access="purchase")) == "no_right"
    story.tell(right("bought"))
    assert story.outcome(asked(token="t", access="purchase")) == "granted"


def test_denials_do_not_push_a_grant_out_before_its_keys_have_left() -> None:
    story = Story()
    one = {"max_streams": 1}
    story.tell(asked(TV, id="granted", rules=one))
    for number in range(2 * MOST_LICENCES):
        story.tell(asked(PHONE, at_ms=START_MS + number, id=f"denied-{number}", rules=one))
    assert story.document is not None
    shown = story.document["licences"]
    assert not shown["granted"]["code"]
    assert list(shown)[1:] == [f"denied-{number}" for number in range(MOST_LICENCES, 2 * MOST_LICENCES)]


def test_a_trial_is_answered_and_changes_nothing() -> None:
    story = Story()
    one = {"max_streams": 1}
    story.tell(asked(TV, rules=one))
    before = copy.deepcopy(story.state)
    said = story.tell(asked(PHONE, id="trial", rules=one, trial=True))
    assert names(said) == ["LicenceTried"]
    assert (said[0].data["code"], story.state) == ("too_many_streams", before)
    assert story.document is not None
    assert story.document["tried"]["trial"]["streams"] == list(story.document["streams"])
    assert story.tell(asked(TV, id="again", rules=one, trial=True))[0].data["code"] == ""
    assert story.state == before


def test_of_who_is_erased_nothing_is_kept() -> None:
    story = Story()
    story.tell(right("bought"))
    story.tell(asked(token="t"))
    story.tell(asked(PHONE, OTHER_FILM))
    story.tell(switched(TABLET))
    said = story.tell(left(LATER_MS))
    assert names(said) == ["StreamEnded", "StreamEnded", "TimerCancelled", "AccountForgotten"]
    assert story.document is None
    kept = repr(story.state)
    assert not any(id in kept for id in (FILM, OTHER_FILM, f"'{TV}'", PHONE, TABLET, "'t'"))


def test_who_was_erased_stays_so() -> None:
    story = Story()
    story.tell(asked())
    story.tell(left(LATER_MS))
    before = copy.deepcopy(story.state)
    late = [asked(PHONE, at_ms=LATER_MS), right("bought"), switched(), beat(stream_of(TV), LATER_MS)]
    assert [story.outcome(each) for each in late] == ["account_erased"] * 4
    assert story.tell(timer(START_MS + LEASE_MS, START_MS + LEASE_MS)) == []
    assert story.tell(left(LATER_MS)) == []
    assert story.document is None
    assert story.state == before


def test_who_was_never_heard_of_is_erased_before_a_late_request() -> None:
    story = Story()
    assert names(story.tell(left())) == ["AccountForgotten"]
    assert story.outcome(asked()) == "account_erased"


def test_an_erasure_that_begins_is_asked_of_this_domain() -> None:
    began = Event("kinolog.identity.ErasureStarted", ACCOUNT, {"account_id": ACCOUNT})
    [out] = departed(began)
    assert (out.topic, out.key, out.type) == ("drm.account.requests", ACCOUNT, "kinolog.drm.AccountLeft")
    codec().encode(out.type, out.data)
    assert departed(Event("kinolog.identity.SubjectErased", ACCOUNT, {"account_id": ACCOUNT})) == []
