"""Messages that wait for each other on their way to the log."""

from __future__ import annotations

import asyncio

from gateways.chat.delivery import PACE_S, QUICKEST_PACE_S
from gateways.chat.turns import Turns


async def test_a_small_room_s_message_never_waits() -> None:
    waiting = asyncio.create_task(Turns().wait(QUICKEST_PACE_S))
    await asyncio.sleep(0)
    assert waiting.done()


async def test_messages_of_busy_rooms_go_in_one_turn_in_order() -> None:
    turns, loop, gone = Turns(), asyncio.get_running_loop(), list[tuple[int, int]]()
    rounds = 0

    def count_round() -> None:
        nonlocal rounds
        rounds += 1
        loop.call_soon(count_round)

    async def message(number: int) -> None:
        await turns.wait(PACE_S)
        gone.append((rounds, number))

    loop.call_soon(count_round)
    first = asyncio.create_task(message(0))
    await asyncio.sleep(0)
    others = [asyncio.create_task(message(number)) for number in (1, 2)]
    await asyncio.gather(first, *others)
    assert [number for _, number in gone] == [0, 1, 2]
    assert len({turn for turn, _ in gone}) == 1


async def test_one_that_gives_up_takes_nobody_with_it_and_the_next_has_a_turn_again() -> None:
    turns = Turns()
    leaving, staying = (asyncio.create_task(turns.wait(PACE_S)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert leaving.cancelled()
    await turns.wait(PACE_S)
