"""`python -m tests.chaos.licences`: licences are asked for while everything under them is killed.

Afterwards no key has left without a grant on the log, no token was good for two, at no moment of the log did
an account play on more devices than it may, nobody was refused a place that was free, what fell silent has
ended with its lease, and the projections are what the log makes of them. Ends with 1 if anything differs.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import click

from deploy.local.launcher import Stack
from schemas.drm.history import LICENCES
from schemas.drm.views import ACCOUNTS
from streams.core.clients import clickhouse_client
from tests.chaos.command import Pause, Told, deal, run
from tests.chaos.grants import DENIED, ENDED, GRANTED, STARTED, Limits, Said, judged, said_of
from tests.chaos.screens import Screen
from tests.integration.chat.town import town_of
from tests.support.cinema import Office, protected_film
from tests.support.verified import differing

KINDS: Final = (
    "gateways",
    "worker-drm",
    "worker-engine",
    "worker-history",
    "kafka",
    "redis",
    "clickhouse",
    "vault",
)
UNLIMITED: Final = json.dumps({"write": {"ip": "off", "user": "off"}})
"""RATE_LIMITS of the stack: all players of the script have one address."""
PEOPLE: Final = 8
DEVICES: Final = 4
LIMITS: Final = Limits(streams=2, devices=3)
LEASE_S: Final = 10
SETTLED_S: Final = 240.0
AGENTS: Final = ("drm.account", ACCOUNTS, LICENCES)


@dataclass
class Evening(Told):
    """What players were told, besides."""

    screens: Counter[str]


async def screen(
    stack: Stack, folder: Path, blows: list[str], requests: int, pause_s: Pause, seed: int
) -> Evening:
    """An evening on a running stack, whose processes are killed and started again."""
    film, office = await protected_film(stack, folder), Office(stack)
    began_s, dice, turns = time.monotonic(), random.Random(seed), iter(range(requests))
    try:
        policy = await office.policy(
            max_streams=LIMITS.streams, max_devices=LIMITS.devices, stream_lease_s=LEASE_S
        )
        await office.film(film.asset_id, policy=policy)
    finally:
        await office.close()
    timeout = aiohttp.ClientTimeout(total=30)
    async with town_of(stack) as town, aiohttp.ClientSession(timeout=timeout) as http:
        people = [await town.person("viewer") for _ in range(PEOPLE)]
        screens = [
            Screen(
                http, stack.url("drm"), film, f"device-{n}", person.bearer, random.Random(f"{seed} {at} {n}")
            )
            for at, person in enumerate(people)
            for n in range(DEVICES)
        ]
        watching = [asyncio.create_task(each.watch(turns)) for each in screens]
        await deal(stack, blows, dice, pause_s)
        ends = await asyncio.gather(*watching, return_exceptions=True)
    faults = [f"a player failed: {end!r}" for end in ends if isinstance(end, BaseException)]
    said = await settled(stack, film.asset_id, faults)
    faults += judged(said, screens, LIMITS)
    faults += [f"verify: {one}" for one in await differing(stack.settings, AGENTS)]
    told = sum((each.told for each in screens), Counter[str]())
    did = f"{requests} licences asked for, {dict(told)}"
    return Evening(faults, did, Counter(blows), time.monotonic() - began_s, told)


async def settled(stack: Stack, asset_id: str, faults: list[str]) -> list[Said]:
    """What the log says, once all that fell silent has ended and all decisions are in the table."""
    until_s = time.monotonic() + SETTLED_S
    while True:
        said = await asyncio.to_thread(said_of, stack, asset_id)
        kinds = Counter(each.type for each in said)
        decided, held = kinds[GRANTED] + kinds[DENIED], await _held(stack, asset_id)
        if kinds[STARTED] == kinds[ENDED] and held == decided:
            return said
        if time.monotonic() > until_s:
            faults.append(f"not settled after {SETTLED_S:g} s: {dict(kinds)}, {held} in the table")
            return said
        await asyncio.sleep(1.0)


async def _held(stack: Stack, asset_id: str) -> int:
    """Licences of the log of licences; readers pass over the second row of a record that was sent again."""
    client = await clickhouse_client(stack.settings)
    try:
        answer: Any = await client.query(
            f"SELECT uniqExact(licence_id) FROM {LICENCES} WHERE asset_id = {{asset:String}}",
            parameters={"asset": asset_id},
        )
        return int(answer.result_rows[0][0])
    finally:
        await client.close()


@click.command()
@click.option("--each", default=3, help="Blows of every kind.")
@click.option("--requests", default=2000, help="Licences asked for.")
@click.option("--pause", default="0.5-2.0", help="Seconds between blows, FROM-TO.")
@click.option("--seed", default=7)
def main(each: int, requests: int, pause: str, seed: int) -> None:
    """Run, print what happened, judge."""

    async def evening(stack: Stack, folder: Path, blows: list[str], pause_s: Pause) -> Told:
        return await screen(stack, folder, blows, requests, pause_s, seed)

    run(KINDS, each, pause, seed, UNLIMITED, evening)


if __name__ == "__main__":
    main()
