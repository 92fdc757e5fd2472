"""What comes over HTTP keeps the bounds of the socket, before anything of it reaches the log."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateways.chat.desk_models import Purge, ScreeningChange, ScreeningQuery, Trial
from gateways.chat.models import NewMessage, NewRoom, Report, RoomChange, Sanction, Strict
from gateways.chat.rooms import _decoded
from gateways.chat.said import MOST_MEDIA_MS
from gateways.core.problem import Problem
from tests.unit.gateways.chat.stage import ANN

MESSAGE: dict[str, Any] = {"client_id": "1", "text": "x"}
TOO_LARGE = 2**63  # no Avro long


@pytest.mark.parametrize("reason", ["Hello", "<script>", "spam spam", "x" * 61, "spam\n"])
def test_reasons_are_short_codes(reason: str) -> None:
    with pytest.raises(ValidationError):
        Report(reason=reason)
    assert Report(reason="off-topic_2").reason == "off-topic_2"


@pytest.mark.parametrize("around", ["<b>{}", "{}0", "{}\n", " {}"])
def test_ids_are_nothing_but_ids(around: str) -> None:
    wrong = around.format(ANN)
    for model, body in (
        (NewMessage, {**MESSAGE, "reply_to": wrong}), (NewMessage, {**MESSAGE, "mentions": [wrong]}),
        (Purge, {"account_id": wrong}), (Sanction, {"account_id": wrong, "kind": "ban"}),
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            model.model_validate(body)
    assert Purge(account_id=ANN).account_id == ANN


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (NewMessage, {**MESSAGE, "media_ms": MOST_MEDIA_MS + 1}),
        (NewMessage, {**MESSAGE, "client_id": "\u202e"}),
        (NewMessage, {**MESSAGE, "client_id": "a\x00"}),
        (ScreeningChange, {"rules": {}, "based_on": 2**31}),
        (ScreeningQuery, {"version": TOO_LARGE}),
        (Trial, {"rules": {}, "from_ms": TOO_LARGE}),
        (Trial, {"rules": {}, "to_ms": TOO_LARGE}),
        (Sanction, {"account_id": ANN, "kind": "timeout"}),
    ],
)
def test_what_the_log_could_not_hold_is_refused(model: type[Strict], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(body)
    assert NewMessage(**MESSAGE, media_ms=MOST_MEDIA_MS).media_ms == MOST_MEDIA_MS


@pytest.mark.parametrize("text", ["\u200b", "\u202e\u2066", "a\x00b", "\u0301"])
def test_names_of_rooms_that_nobody_can_read(text: str) -> None:
    with pytest.raises(ValidationError):
        NewRoom(title=text)
    with pytest.raises(ValidationError):
        RoomChange(topic=text)


def test_names_of_rooms_turn_nothing_around() -> None:
    room = NewRoom(title=" abc\u202edef ", topic="\u2066x\u200b")
    assert (room.title, room.topic) == ("abcdef", "x")
    assert RoomChange(topic="").topic == ""


@pytest.mark.parametrize("cursor", ["nan:x", "inf:x", "-inf:x", "1e400:x", "x", ""])
def test_cursors_that_no_page_gave(cursor: str) -> None:
    with pytest.raises(Problem, match="cursor"):
        _decoded(cursor)
    assert _decoded("1.5:r-1").key == "r-1"
