"""What clients say: everything that is no request is refused by name, and nothing of it gets further."""

from __future__ import annotations

from typing import Any

import pytest

from gateways.chat import said
from gateways.chat.said import Refused
from tests.unit.gateways.chat.stage import ANN, ROOM

NOT_TEXTS: list[Any] = [None, 1, 1.5, True, [], {}, ["a"]]


@pytest.mark.parametrize(
    "room", [*NOT_TEXTS, "", "r-", "r-" + "g" * 32, ROOM + "\n", "a-../x", "a-" + "x" * 65]
)
def test_rooms_that_cannot_be(room: Any) -> None:
    with pytest.raises(Refused):
        said.room_id({"room": room})
    assert said.room_id({"room": ROOM}) == ROOM


@pytest.mark.parametrize("own", [*NOT_TEXTS, "", "x" * 65, "a\nb", "a\x00", "\u202eabc", "\u200b"])
def test_ids_of_clients_that_cannot_be(own: Any) -> None:
    with pytest.raises(Refused, match="client_id"):
        said.client_id({"client_id": own})
    assert said.client_id({"client_id": "ä 1"}) == "ä 1"


@pytest.mark.parametrize("value", [1, True, [], {}, "", "x", ANN.upper() + "\n", "A" * 32])
def test_ids_of_messages_that_cannot_be(value: Any) -> None:
    with pytest.raises(Refused):
        said.optional_id({"reply_to": value}, "reply_to")
    assert said.optional_id({}, "reply_to") is None
    assert said.optional_id({"reply_to": ANN}, "reply_to") == ANN


@pytest.mark.parametrize("value", [True, "1", 1.0, -1, said.MOST_MEDIA_MS + 1, [], {}])
def test_places_in_films_that_cannot_be(value: Any) -> None:
    with pytest.raises(Refused):
        said.media_ms({"media_ms": value})
    assert said.media_ms({"media_ms": 0}) == 0
    assert said.media_ms({}) is None


@pytest.mark.parametrize("value", [None, "x", {}, [1], ["x"], [[ANN]], [ANN] * 101])
def test_lists_of_ids_that_cannot_be(value: Any) -> None:
    with pytest.raises(Refused):
        said.ids({"message_ids": value}, "message_ids", 100)
    assert said.ids({"message_ids": [ANN, ANN]}, "message_ids", 100) == [ANN]


@pytest.mark.parametrize("value", [None, True, "1", 1.5, -1, 2**53 + 1])
def test_places_of_deltas_that_cannot_be(value: Any) -> None:
    with pytest.raises(Refused):
        said.delta_id({"id": value})
    assert said.delta_id({"id": 5}) == 5


@pytest.mark.parametrize("value", [1, "Not a code", "x" * 61, "spam\n"])
def test_reasons_that_cannot_be(value: Any) -> None:
    with pytest.raises(Refused):
        said.reason({"reason": value})
    assert said.reason({}) == ""
