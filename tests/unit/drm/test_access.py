"""What policies say, and who may watch a film."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.drm.views import NOTHING_SAID
from schemas.event import Event
from schemas.wire import codec
from streams.drm.access import decide_film, decide_policy, film_document, policy_document
from streams.engine import Refuse


def asked(name: str, key: str, **data: Any) -> Event:
    codec().encode(f"kinolog.drm.{name}", data)
    return Event(type=f"kinolog.drm.{name}", key=key, data=data, id="r", at_ms=7)


def policy(rules: str, replaces: int) -> Event:
    named = {"policy_id": "p", "rules": rules, "replaces": replaces, "actor": "operator"}
    return asked("PolicyChangeRequested", "p", **named)


def film(**changes: Any) -> Event:
    named = {"asset_id": "f", "access": None, "policy_id": None, "stopped": None, "actor": "operator"}
    return asked("AccessChangeRequested", "f", **{**named, **changes})


def test_a_policy_is_versioned_and_two_who_change_it_at_once_do_not_overwrite_each_other() -> None:
    state, [first] = decide_policy(None, policy("{}", 0))
    codec().encode(first.type, first.data)
    state, [second] = decide_policy(state, policy('{"max_streams":2}', 1))
    assert (first.data["version"], second.data["version"]) == (1, 2)
    with pytest.raises(Refuse) as refused:
        decide_policy(state, policy("{}", 1))
    assert refused.value.code == "policy_changed"
    said = Event(second.type, "p", second.data, at_ms=9)
    assert policy_document(said) == {"version": 2, "rules": '{"max_streams":2}', "changed_at_ms": 9}


def test_of_a_film_changes_what_is_named() -> None:
    state, [said] = decide_film(None, film(access="rental"))
    codec().encode(said.type, said.data)
    assert state == {**NOTHING_SAID, "access": "rental"}
    state, _ = decide_film(state, film(stopped=True))
    state, [said] = decide_film(state, film(policy_id="p"))
    assert state == {"access": "rental", "policy_id": "p", "stopped": True}
    assert film_document(Event(said.type, "f", said.data)) == state
