"""Exchanging refresh tokens: a lost answer is given again, a stolen token ends the session."""

from __future__ import annotations

import orjson
import pytest

from gateways.identity import credentials, refreshing
from gateways.identity.refreshing import LEEWAY_S, Kept, Reused, Unknown, exchange

SID = "5" * 32
NOW_MS = 1_000_000
LEEWAY_MS = LEEWAY_S * 1000


class Session:
    """The vault's entry, as the handler changes it."""

    def __init__(self) -> None:
        self.token, raw = refreshing.first("a" * 32, SID)
        self.kept: Kept = orjson.loads(raw)

    def exchange(self, token: str, at_ms: int = NOW_MS) -> str:
        successor, entry = exchange(self.kept, SID, token, at_ms)
        if entry is not None:
            self.kept = orjson.loads(entry)
        return successor


def test_each_token_is_good_once_and_has_the_shape_of_every_other() -> None:
    session = Session()
    tokens = [session.token]
    for _ in range(3):
        tokens.append(session.exchange(tokens[-1]))
    assert len(set(tokens)) == 4
    assert {credentials.entry_of(credentials.REFRESH, token) for token in tokens} == {SID}


@pytest.mark.parametrize("later_ms", [0, LEEWAY_MS])
def test_a_lost_answer_is_given_again_the_same(later_ms: int) -> None:
    session = Session()
    second = session.exchange(session.token)
    kept = session.kept
    assert session.exchange(session.token, NOW_MS + later_ms) == second
    assert session.kept == kept
    assert session.exchange(second, NOW_MS + later_ms)


def test_later_it_is_a_theft() -> None:
    session = Session()
    session.exchange(session.token)
    with pytest.raises(Reused):
        session.exchange(session.token, NOW_MS + LEEWAY_MS + 1)


def test_once_the_successor_was_used_it_is_a_theft_however_soon() -> None:
    session = Session()
    second = session.exchange(session.token)
    third = session.exchange(second)
    with pytest.raises(Reused):
        session.exchange(session.token)
    assert session.exchange(second) == third


def test_a_thief_in_the_leeway_gets_no_token_of_their_own() -> None:
    session = Session()
    owners = session.exchange(session.token)
    thiefs = session.exchange(session.token)
    assert thiefs == owners
    session.exchange(thiefs)
    with pytest.raises(Reused):
        session.exchange(owners, NOW_MS + LEEWAY_MS + 1)


def test_made_up_tokens_prove_nothing() -> None:
    session = Session()
    session.exchange(session.token)
    with pytest.raises(Unknown):
        session.exchange(f"kinr_{SID}_{'x' * 43}")


def test_the_entry_gives_no_token_away() -> None:
    session = Session()
    second = session.exchange(session.token)
    raw = orjson.dumps(session.kept).decode()
    assert session.token[-43:] not in raw
    assert second[-43:] not in raw


def test_an_entry_of_before_has_no_leeway() -> None:
    session = Session()
    session.exchange(session.token)
    session.kept.pop("seed")
    with pytest.raises(Reused):
        session.exchange(session.token)
