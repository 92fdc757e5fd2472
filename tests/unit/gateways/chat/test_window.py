"""The newest of a room: what is shown of it after removals, edits, purges and reactions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateways.chat.window import Window
from tests.unit.gateways.chat.stage import ANN, BEN, delta, item


def window(*deltas: dict[str, Any], most: int = 1000) -> Window:
    made = Window(most)
    for each in deltas:
        made.add(item(each), each)
    return made


def texts(made: Window) -> dict[str, str]:
    return {each.message_id: orjson.loads(each.wire or b"")["text"] for each in made.messages()}


def edited(number: int, message_id: str, text: str, **more: Any) -> dict[str, Any]:
    return delta(
        number, "edited", message_id=message_id, account_id=ANN, text=text, mentions=[], edit_number=1, **more
    )


def test_what_is_removed_is_not_shown_and_its_tombstone_is() -> None:
    made = window(delta(0), delta(1), delta(2, "removed", message_ids=["m0"], by="author"))
    assert texts(made) == {"m1": "text 1"}
    assert [each.kind for each in made.newest(10)] == ["message", "removed"]
    assert made.place("m0") is None
    assert made.place("m1") == 1


def test_a_purge_hides_all_of_an_account_before_it_and_nothing_after() -> None:
    bens = {"account_id": BEN}
    made = window(delta(0, **bens), delta(1), delta(2, "purged", **bens), delta(3, **bens))
    assert list(texts(made)) == ["m1", "m3"]


def test_an_edit_is_the_text_of_the_message_for_who_comes_later() -> None:
    made = window(delta(0), edited(1, "m0", "better"))
    [message] = made.messages()
    shown = orjson.loads(message.wire or b"")
    assert (shown["text"], shown["edits"], shown["edited_at_ms"]) == ("better", 1, 1)


def test_the_text_that_an_author_alone_sees_is_not_everybodys() -> None:
    made = window(delta(0), edited(1, "m0", "in the shadow", only=ANN))
    assert texts(made) == {"m0": "text 0"}


def test_of_reactions_the_newest_totals_stay_alone() -> None:
    to_message = {"message_id": "m0", "reactions": {"🔥": 1}}
    made = window(
        delta(0),
        delta(1, "reactions", totals={"🔥": 1}, **to_message),
        delta(2, "reactions", message_id=None, reactions={"👏": 9}, totals={"👏": 9}),
        delta(3, "reactions", totals={"🔥": 2}, **to_message),
        delta(4, "reactions", message_id=None, reactions={"👏": 1}, totals={"👏": 10}),
    )
    assert [each.id for each in made.items()] == [0, 3, 4]
    assert orjson.loads(made.messages()[0].wire or b"")["reactions"] == {"🔥": 2}
    assert [each.id for each in made.since(0) or ()] == [3, 4]


def test_applause_without_end_leaves_the_messages_where_they_are() -> None:
    applause = [delta(n, "reactions", message_id=None, totals={"👏": n}) for n in range(1, 500)]
    made = window(delta(0), *applause, most=10)
    assert texts(made) == {"m0": "text 0"}
    assert made.since(0) is not None


def test_it_covers_what_it_holds_and_says_so_of_what_it_does_not() -> None:
    made = window(*(delta(n) for n in range(20)), most=5)
    assert made.floor == 14
    assert [each.id for each in made.since(14) or ()] == [15, 16, 17, 18, 19]
    assert made.since(13) is None
    assert made.since(19) == []


@pytest.mark.parametrize("again", [0, 1, 2])
def test_a_delta_that_comes_twice_changes_nothing(again: int) -> None:
    deltas = [delta(0), edited(1, "m0", "better"), delta(2, "removed", message_ids=["m9"], by="author")]
    once, twice = window(*deltas), window(*deltas, deltas[again])
    assert once.items() == twice.items()


def test_a_message_that_comes_again_after_its_removal_is_there() -> None:
    made = window(delta(0), delta(1, "removed", message_ids=["m0"], by="reports"), delta(2, message_id="m0"))
    assert made.place("m0") == 2
    assert list(texts(made)) == ["m0"]


def test_every_edit_removal_and_purge_folds_as_a_client_would() -> None:
    """A window that forgets in between shows of the rest what one that forgets nothing shows."""
    deltas: list[dict[str, Any]] = []
    for n in range(0, 300, 3):
        deltas += [delta(n), edited(n + 1, f"m{max(0, n - 9)}", f"new {n}")]
        deltas.append(delta(n + 2, "removed", message_ids=[f"m{max(0, n - 21)}"], by="author"))
    whole, short = texts(window(*deltas)), texts(window(*deltas, most=60))
    assert short
    assert short.items() <= whole.items()
