"""Whom somebody blocks."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.chat.views import MOST_BLOCKED
from schemas.event import Event
from schemas.wire import codec
from streams.chat import blocks
from streams.engine import Refuse
from tests.unit.chat.telling import ANN, BEN, CAT


def asked(blocked_id: str, *, on: bool = True) -> Event:
    data = {"account_id": ANN, "blocked_id": blocked_id, "blocked": on}
    codec().encode("kinolog.chat.BlockRequested", data)
    return Event("kinolog.chat.BlockRequested", ANN, data)


def told(state: Any, *events: Event) -> tuple[Any, Any]:
    """The decider's state, and the document that is shown."""
    document = None
    for each in events:
        state, [out] = blocks.decide(state, each)
        codec().encode(out.type, out.data)
        document, _ = blocks.accounts(document, Event(out.type, out.key, out.data))
    return state, document


def test_a_list_grows_and_shrinks_and_is_shown() -> None:
    state, document = told(None, asked(BEN), asked(CAT))
    assert state == document == {"blocked_ids": [BEN, CAT]}
    assert told(state, asked(BEN, on=False)) == ({"blocked_ids": [CAT]}, {"blocked_ids": [CAT]})
    assert told(None, asked(BEN), asked(BEN, on=False)) == (None, None)


@pytest.mark.parametrize(
    ("state", "event", "code"),
    [
        (None, asked(ANN), "own_account"),
        (None, asked(BEN, on=False), "nothing_to_change"),
        ({"blocked_ids": [BEN]}, asked(BEN), "nothing_to_change"),
        ({"blocked_ids": [f"{n:032x}" for n in range(MOST_BLOCKED)]}, asked(BEN), "too_many_blocked"),
    ],
)
def test_what_cannot_be_is_refused(state: Any, event: Event, code: str) -> None:
    with pytest.raises(Refuse) as refusal:
        blocks.decide(state, event)
    assert refusal.value.code == code
