"""What is decided about an account, told as stories."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.event import Event
from schemas.identity.views import MOST_KEYS, MOST_SESSIONS, password_of
from tests.unit.identity.telling import (
    ACCOUNT,
    ADDRESS,
    HOUR_MS,
    Story,
    active,
    changed,
    due,
    ended,
    erase,
    event,
    forgotten,
    key,
    link_asked,
    redeemed,
    replaced,
    requested,
    revoked,
    session,
)

S1, S2, S3 = ("1" * 32, "2" * 32, "3" * 32)
K1, K2, K3 = ("1" * 16, "2" * 16, "3" * 16)
L1, L2 = ("c" * 32, "d" * 32)
P1, P2 = ("8" * 32, "9" * 32)


def test_an_invited_account_waits_for_its_link() -> None:
    story = Story().when(requested()).then("AccountCreated", "LinkIssued")
    assert story.document["state"] == "invited"
    assert story.document["links"] == {L1: {"purpose": "invite", "expires_at_ms": 1_000_000 + 72 * HOUR_MS}}
    story.refused(session(S1), "account_invited").refused(key(K1), "account_invited")
    story.when(redeemed()).then("AccountActivated")
    assert (story.document["state"], story.document["links"]) == ("active", {})


def test_an_account_with_a_password_is_active_at_once() -> None:
    story = Story().when(requested(link=None)).then("AccountCreated")
    assert story.document["state"] == "active"
    story.when(session(S1, password=None)).then("SessionStarted")


def test_an_account_is_opened_once() -> None:
    story = active().when(requested()).then()
    assert story.document["state"] == "active"


def test_a_link_works_once_and_only_the_newest() -> None:
    story = active().when(link_asked(L2)).then("LinkIssued")
    assert story.data("LinkIssued")["purpose"] == "reset"
    story.refused(redeemed(L1), "link_spent")
    story.when(redeemed(L2)).then("PasswordChanged").refused(redeemed(L2), "link_spent")
    story.given(link_asked(L1)).refused(redeemed(L1, at_ms=1_000_000 + 72 * HOUR_MS), "link_spent")


def test_a_reset_ends_every_login_session_and_a_change_all_but_ones_own() -> None:
    story = active().given(session(S1), session(S2), link_asked(L2))
    story.when(redeemed(L2)).then("PasswordChanged", "SessionEnded", "SessionEnded")
    story.given(session(S1, password=L2), session(S2, password=L2)).when(replaced(P1, replaces=L2, keep=S2))
    story.then("PasswordChanged", "SessionEnded")
    assert story.data("SessionEnded") == {"account_id": ACCOUNT, "sid": S1, "reason": "password_changed"}
    assert list(story.document["sessions"]) == [S2]


def test_a_password_counts_from_the_event_that_ends_the_sessions_of_the_one_before() -> None:
    story = Story().given(requested(link=None))
    assert password_of(story.document) == ACCOUNT
    story.when(session(S1, password=None)).then("SessionStarted")
    story.when(replaced(P1, replaces=None)).then("PasswordChanged", "SessionEnded")
    story.drops(f"password:{ACCOUNT}", f"login_session:{S1}")
    assert (password_of(story.document), story.document["sessions"]) == (P1, {})
    story.refused(session(S2, password=None), "password_changed")
    story.refused(replaced(P2, replaces=None), "password_changed")
    story.when(session(S2, password=P1)).then("SessionStarted")
    story.given(link_asked(L2)).when(redeemed(L2)).then("PasswordChanged", "SessionEnded")
    story.drops(f"password:{P1}", f"login_session:{S2}", f"one_time_link:{L2}")
    story.refused(session(S2, password=P1), "password_changed")
    assert password_of(story.document) == L2


def test_what_will_never_open_anything_again_is_dropped() -> None:
    story = Story().given(requested()).when(redeemed()).drops(f"one_time_link:{L1}")
    story.when(session(S1)).drops().given(session(S2), key(K1))
    story.when(ended(S1)).drops(f"login_session:{S1}")
    story.when(revoked(K1)).drops(f"api_key:{K1}")
    story.when(changed(disabled=True)).drops(f"login_session:{S2}")
    story.given(changed(disabled=False), session(S3)).when(erase()).drops()  # all of it is forgotten


def test_a_changed_password_voids_a_link_that_is_under_way() -> None:
    story = active().given(link_asked(L2), replaced(P1, replaces=L1))
    story.refused(redeemed(L2), "link_spent")
    assert story.document["links"] == {}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (changed(roles=["admin", "viewer"]), ["RolesChanged"]),
        (changed(disabled=True), ["AccountDisabled", "SessionEnded"]),
        (changed(roles=["creator"], disabled=True), ["RolesChanged", "AccountDisabled", "SessionEnded"]),
    ],
)
def test_what_an_administrator_changes(asked: Event, said: list[str]) -> None:
    story = active().given(session(S1)).when(asked).then(*said)
    story.refused(asked, "nothing_to_change")


def test_a_disabled_account_may_do_nothing_until_it_is_enabled() -> None:
    story = active().given(session(S1), key(K1)).given(changed(disabled=True))
    for each in (session(S2), key(K2), link_asked(L2), replaced(P1, replaces=L1)):
        story.refused(each, "account_disabled")
    assert (story.document["state"], story.document["sessions"]) == ("disabled", {})
    story.when(changed(disabled=False)).then("AccountEnabled").when(session(S2)).then("SessionStarted")
    assert list(story.document["api_keys"]) == [K1]


def test_an_invited_account_that_was_disabled_is_invited_again() -> None:
    story = Story().given(requested()).given(changed(disabled=True)).refused(redeemed(), "account_disabled")
    story.when(changed(disabled=False)).then("AccountEnabled")
    assert story.document["state"] == "invited"
    story.refused(redeemed(), "link_spent").given(link_asked(L2)).when(redeemed(L2)).then("AccountActivated")


def test_login_sessions_end_one_by_one_all_but_one_or_by_time() -> None:
    story = active().given(session(S1), session(S2), session(S3))
    story.when(ended(S2)).then("SessionEnded").refused(ended(S2), "session_over")
    story.when(ended(keep=S3)).then("SessionEnded").refused(ended(keep=S3), "session_over")
    assert list(story.document["sessions"]) == [S3]
    later = 1_000_000 + 12 * HOUR_MS
    story.refused(ended(S3, at_ms=later), "session_over")
    story.when(session(S1, at_ms=later)).then("SessionStarted")
    assert list(story.document["sessions"]) == [S1]


def test_one_login_session_too_many_ends_the_oldest() -> None:
    story = active().given(*(session(f"{n:032x}", at_ms=1_000_000 + n) for n in range(MOST_SESSIONS)))
    story.when(session(S1, at_ms=1_000_100)).then("SessionEnded", "SessionStarted")
    story.drops(f"login_session:{0:032x}")
    assert story.data("SessionEnded")["sid"] == f"{0:032x}"
    assert len(story.document["sessions"]) == MOST_SESSIONS


def test_a_rotated_key_works_beside_its_successor_for_a_while() -> None:
    story = active().given(key(K1)).when(key(K2, replaces=K1, overlap_ms=HOUR_MS)).then("ApiKeyCreated")
    old = story.document["api_keys"][K1]
    assert (old["replaced_by"], old["ends_at_ms"]) == (K2, 1_000_000 + HOUR_MS)
    story.refused(key(K3, replaces=K1, overlap_ms=0), "api_key_replaced")
    story.refused(key(K3, replaces=K3, overlap_ms=0), "api_key_unknown")
    story.when(session(S1, at_ms=1_000_000 + HOUR_MS))
    assert list(story.document["api_keys"]) == [K2]
    story.refused(revoked(K1, at_ms=1_000_000 + HOUR_MS), "api_key_unknown")


def test_keys_are_bounded_revoked_and_seen_in_use() -> None:
    story = active().given(*(key(f"{n:016x}") for n in range(MOST_KEYS)))
    story.refused(key("f" * 16), "too_many_api_keys").refused(key(f"{0:016x}"), "api_key_exists")
    story.when(event("ApiKeyUsed", key_id=f"{0:016x}", used_at_ms=7)).then("ApiKeyUsed")
    assert story.document["api_keys"][f"{0:016x}"]["last_used_at_ms"] == 7
    story.when(revoked(f"{0:016x}")).then("ApiKeyRevoked")
    story.when(event("ApiKeyUsed", key_id=f"{0:016x}", used_at_ms=8)).then()
    story.refused(revoked(f"{0:016x}"), "api_key_unknown")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, (None, None)),  # of before: films stay as they are
        ({"films": "delete", "heir_id": None}, ("delete", None)),
        ({"films": "transfer", "heir_id": "e" * 32}, ("transfer", "e" * 32)),
    ],
)
def test_an_erasure_tells_what_becomes_of_the_films(
    asked: dict[str, Any], said: tuple[str | None, str | None]
) -> None:
    story = active().when(erase(**asked))
    started = story.data("ErasureStarted")
    assert (started["films"], started["heir_id"]) == said


def test_an_erasure_ends_everything_at_once_and_is_over_when_the_vault_has_forgotten() -> None:
    story = active().given(session(S1), key(K1)).when(erase())
    story.then("ErasureStarted", "SessionEnded", "ApiKeyRevoked", "ForgettingRequested", "TimerSet")
    assert (story.document["sessions"], story.document["api_keys"]) == ({}, {})
    for each in (session(S2), key(K2), erase(), changed(disabled=False), link_asked(L2)):
        story.refused(each, "account_erasing")
    story.when(forgotten()).then("TimerCancelled", "AddressReleased", "SubjectErased")
    assert story.data("AddressReleased") == {"address_hmac": ADDRESS, "account_id": ACCOUNT}
    assert story.document["state"] == "erased"
    assert (story.document["email_sealed"], story.document["roles"]) == (None, [])
    story.when(forgotten()).then().when(due(9_000_000)).then().refused(session(S2), "account_erased")


def test_a_silent_forgetting_is_asked_for_again_and_any_report_ends_it() -> None:
    story = active().given(erase())
    first = story.data("TimerSet")["due_at_ms"]
    story.when(due(first)).then("ForgettingRequested", "TimerSet")
    assert story.data("ForgettingRequested")["attempt"] == 2
    assert story.data("TimerSet")["due_at_ms"] - first > first - 1_000_000
    story.when(forgotten(1)).then("TimerCancelled", "AddressReleased", "SubjectErased")


def test_nothing_is_known_of_an_account_that_never_was() -> None:
    story = Story()
    story.refused(session(S1), "account_unknown").refused(erase(), "account_unknown")
    story.when(forgotten()).then()
