"""What became of requests: told by deltas, by outcomes, or by nothing in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.chat import acks as module
from gateways.chat.acks import GIVEN_UP_S, Acks
from tests.support.played import played
from tests.unit.gateways.chat.stage import ROOM, delta, item


class Outcomes:
    """What the projection knows of requests."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.looks = 0
        self.failing = 0
        self.error: Exception = RedisConnectionError()

    async def pin(self, _: Any) -> Outcomes:
        return self

    async def outcomes(self, requests: Sequence[tuple[str, str]]) -> list[dict[str, Any] | None]:
        self.looks += 1
        if self.failing:
            self.failing -= 1
            raise self.error
        return [self.known.get(request_id) for _, request_id in requests]


def scene_with(play: Any) -> None:
    async def scene() -> None:
        outcomes = Outcomes()
        acks = Acks(outcomes, None)  # type: ignore[arg-type]
        task = asyncio.create_task(acks.run())
        await play(outcomes, acks)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    played(scene)


def test_the_delta_that_shows_a_message_answers_for_nothing() -> None:
    async def play(outcomes: Outcomes, acks: Acks) -> None:
        answer = acks.expect(ROOM, "request", "m7")
        acks.arrived(item(delta(6)))
        acks.arrived(item(delta(7)))
        assert await answer == {"type": "", "id": 7}
        assert outcomes.looks == 0

    scene_with(play)


def test_what_shows_in_no_room_is_told_by_its_outcome_for_all_at_once() -> None:
    async def play(outcomes: Outcomes, acks: Acks) -> None:
        outcomes.known = {str(n): {"type": "held", "n": n} for n in range(100)}
        answers = [acks.expect(ROOM, str(n), f"m{n}") for n in range(100)]
        assert [answer["n"] for answer in await asyncio.gather(*answers)] == list(range(100))
        assert outcomes.looks == 1

    scene_with(play)


def test_who_asks_twice_gets_the_same_answer() -> None:
    async def play(outcomes: Outcomes, acks: Acks) -> None:
        first, second = acks.expect(ROOM, "request", "m1"), acks.expect(ROOM, "request", "m1")
        acks.arrived(item(delta(1)))
        assert await first == await second == {"type": "", "id": 1}

    scene_with(play)


def test_a_client_that_gives_up_does_not_take_the_answer_from_others() -> None:
    async def play(outcomes: Outcomes, acks: Acks) -> None:
        first, second = acks.expect(ROOM, "request", "m1"), acks.expect(ROOM, "request", "m1")
        first.cancel()
        acks.arrived(item(delta(1)))
        assert await second == {"type": "", "id": 1}

    scene_with(play)


def test_what_nobody_knows_in_time_is_none_and_a_store_that_stumbles_is_asked_again() -> None:
    async def play(outcomes: Outcomes, acks: Acks) -> None:
        loop = asyncio.get_running_loop()
        outcomes.failing = 5
        began_s = loop.time()
        assert await acks.expect(ROOM, "request") is None
        assert GIVEN_UP_S <= loop.time() - began_s < GIVEN_UP_S + 1

    scene_with(play)


def test_a_request_that_was_refused_is_another_one_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REFUSED", 2)
    acks = Acks(None, None)  # type: ignore[arg-type]
    ids = [acks.attempt("first")]
    for _ in range(3):
        assert (
            acks.attempt("first") == ids[-1]
        )  # until it is refused it is the same, however often it is sent
        acks.refused("first", ids[-1])
        acks.refused("first", ids[-1])  # told to two who waited for the same
        ids.append(acks.attempt("first"))
    assert ids[0] == "first"
    assert len(set(ids)) == 4
    for other in ("second", "third"):
        acks.refused(other, other)
    assert acks.attempt("first") == "first"  # what is remembered is bounded
    assert acks.attempt("third") != "third"


def test_outcomes_that_a_bug_keeps_from_being_read_end_nothing_and_nobody_waits_for_ever() -> None:
    async def play(outcomes: Outcomes, acks: Acks) -> None:
        outcomes.failing, outcomes.error = 10**6, KeyError("type")
        assert await acks.expect(ROOM, "poisonous") is None
        outcomes.failing = 0
        outcomes.known = {"next": {"type": "held"}}
        assert await acks.expect(ROOM, "next") == {"type": "held"}

    scene_with(play)
