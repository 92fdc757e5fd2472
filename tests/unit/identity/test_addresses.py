"""Whose an address is, and which keys sign: the two small deciders."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.event import Event
from schemas.identity.views import signing_now, verifying
from streams.engine import Refuse
from streams.identity import addresses, signing
from streams.identity.projections import addresses as shown_addresses
from streams.identity.projections import signing as shown_keys
from tests.unit.identity.telling import ACCOUNT, ADDRESS, event

OTHER = "e" * 32


def claimed(account_id: str) -> Event:
    return event(
        "AddressClaimed", key=ADDRESS, account_id=account_id, address_hmac=ADDRESS, email_sealed="eA==",
        display_name_sealed=None, roles=[], link_id=None, link_expires_at_ms=None, actor="x",
        reason_sealed=None,
    )  # fmt: skip


def names(outs: list[Any]) -> list[str]:
    return [out.type.rpartition(".")[2] for out in outs]


def test_an_address_belongs_to_the_first_and_the_other_is_forgotten() -> None:
    state, outs = addresses.decide(None, claimed(ACCOUNT))
    assert names(outs) == ["AddressReserved", "AccountRequested"]
    assert outs[1].key == ACCOUNT
    state, outs = addresses.decide(state, claimed(OTHER))
    assert names(outs) == ["RequestRefused", "ForgettingRequested"]
    assert outs[0].data["code"] == "address_taken"
    assert outs[1].data["account_id"] == OTHER
    assert state == {"account_id": ACCOUNT}


def test_a_second_claim_by_its_owner_forgets_nobody() -> None:
    state, _ = addresses.decide(None, claimed(ACCOUNT))
    _, outs = addresses.decide(state, claimed(ACCOUNT))
    assert names(outs) == ["RequestRefused"]


def test_only_its_owner_gives_an_address_back() -> None:
    state, outs = addresses.decide(None, claimed(ACCOUNT))
    document, _ = shown_addresses(None, Event(outs[0].type, ADDRESS, outs[0].data))
    assert document == {"account_id": ACCOUNT}
    released = event("AddressReleased", key=ADDRESS, account_id=OTHER, address_hmac=ADDRESS)
    state, outs = addresses.decide(state, released)
    assert (state, outs) == ({"account_id": ACCOUNT}, [])
    released = event("AddressReleased", key=ADDRESS, account_id=ACCOUNT, address_hmac=ADDRESS)
    state, outs = addresses.decide(state, released)
    assert (state, names(outs)) == (None, ["AddressFreed"])
    document, _ = shown_addresses(document, Event(outs[0].type, ADDRESS, outs[0].data))
    assert document is None


def proposed(kid: str, *, at_ms: int, only_first: bool = False, until_ms: int = 0) -> Event:
    data = {
        "name": "signing",
        "kid": kid,
        "alg": "ES256",
        "jwk": json.dumps({"kid": kid}),
        "signs_from_ms": at_ms,
        "others_verify_until_ms": until_ms,
        "only_first": only_first,
        "actor": "x",
        "reason_sealed": None,
    }
    return Event("kinolog.identity.SigningKeyProposed", "signing", data, at_ms=at_ms)


def test_keys_overlap_and_the_newest_signs() -> None:
    state, document = None, None
    for each in (proposed("k1", at_ms=100, only_first=True), proposed("k2", at_ms=200, until_ms=300)):
        state, outs = signing.decide(state, each)
        for out in outs:
            document, _ = shown_keys(document, Event(out.type, out.key, out.data, at_ms=each.at_ms))
    assert [k["kid"] for k in verifying(document, 250)] == ["k1", "k2"]
    assert [k["kid"] for k in verifying(document, 300)] == ["k2"]
    for at_ms, kid in ((150, "k1"), (200, "k2")):
        found = signing_now(document, at_ms)
        assert found is not None
        assert found["kid"] == kid
    assert signing_now(document, 99) is None
    assert signing_now(None, 99) is None


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (proposed("k2", at_ms=200, only_first=True), "signing_key_exists"),
        (proposed("k1", at_ms=200), "kid_taken"),
    ],
)
def test_a_second_first_key_and_a_used_name_are_refused(second: Event, code: str) -> None:
    state, _ = signing.decide(None, proposed("k1", at_ms=100, only_first=True))
    with pytest.raises(Refuse) as refusal:
        signing.decide(state, second)
    assert refusal.value.code == code
