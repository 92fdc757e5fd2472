"""How the audit tells what was done in chat rooms."""

from __future__ import annotations

from typing import Any

import pytest

from gateways.identity.audit_acts import ACTS, entry
from gateways.identity.models import AuditEntry, AuditQuery

MAX, ANN, BEN = "a" * 32, "b" * 32, "c" * 32
ROOM = f"r-{'d' * 32}"


def told(name: str, **data: Any) -> AuditEntry:
    row = {"id": "1", "first_ms": 5, "act": f"kinolog.chat.{name}"}
    return entry(
        row, {"room_id": ROOM, "actor_id": MAX, "privileged": True, **data}, ("done", None), None, None
    )


def test_every_act_can_be_asked_for() -> None:
    assert {AuditQuery.model_validate({"act": act}).act for act in ACTS.values()} == set(ACTS.values())


def test_a_sanction_tells_where_whom_how_and_why() -> None:
    ban = told("SanctionRequested", account_id=BEN, kind="ban", duration_s=None, reason="spam")
    assert (ban.act, ban.actor, ban.account_id, ban.room_id) == ("chat.sanction", MAX, BEN, ROOM)
    assert (ban.sanction, ban.reason, ban.result, ban.account_ids) == ("ban", "spam", "done", None)
    assert told("PurgeRequested", account_id=BEN, reason="").reason is None


@pytest.mark.parametrize(
    ("name", "data", "account_id", "account_ids"),
    [
        ("RemovalRequested", {"messages": [{"account_id": BEN}, {"account_id": BEN}]}, BEN, None),
        ("RemovalRequested", {"messages": [{"account_id": BEN}, {"account_id": ANN}]}, None, [BEN, ANN]),
        ("PinRequested", {"pinned": True, "message": {"account_id": ANN}}, ANN, None),
        ("PinRequested", {"pinned": False, "message": None}, None, None),
        ("MembersChangeRequested", {"account_ids": [ANN], "kind": "member", "added": True}, ANN, None),
        ("ModeratorChangeRequested", {"account_id": ANN, "added": False}, ANN, None),
        ("ReviewDecided", {"message_ids": ["e" * 32], "approved": False}, None, None),
    ],
)
def test_whom_it_was_done_to(
    name: str, data: dict[str, Any], account_id: str | None, account_ids: list[str] | None
) -> None:
    act = told(name, **data)
    assert (act.account_id, act.account_ids) == (account_id, account_ids)
    assert act.on == data.get("pinned", data.get("added", data.get("approved")))
    assert act.sanction is None


def test_of_a_room_s_settings_those_are_named_that_were_to_change() -> None:
    change = told("RoomChangeRequested", title="", title_sealed="c2VhbGVk", topic=None, read_only=False)
    assert change.settings == ["read_only", "title"]
    assert change.title is None
