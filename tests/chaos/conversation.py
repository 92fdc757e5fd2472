"""`python -m tests.chaos.conversation`: a room full of clients while everything under it is killed.

Afterwards every acknowledged message is there exactly once, in one order, for every client, in the history,
and after the projections were built anew. Ends with 1 if anything differs.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import click

from deploy.local.launcher import Stack
from schemas.chat.views import DESK, ROOMS
from tests.chaos.command import Pause, Told, deal, run
from tests.chaos.talkers import Talker
from tests.support.verified import differing

KINDS: Final = ("gateways", "worker-chat", "kafka", "redis", "worker-history", "clickhouse", "vault")
ACCOUNTS: Final = 20
PASSWORD: Final = "seven small yellow submarines"
SETTLED_S: Final = 120.0
UNLIMITED: Final = json.dumps({"message": {"user": "off", "ip": "off"}, "room": {"user": "off"}})
"""RATE_LIMITS of the stack: what stops people would stop the script."""


@dataclass
class Talk(Told):
    """How many messages were acknowledged, besides."""

    messages: int


async def converse(
    stack: Stack, blows: list[str], clients: int, per_s: float, pause_s: Pause, seed: int
) -> Talk:
    """One conversation on a running stack, whose processes are killed and started again."""
    began_s = time.monotonic()
    dice = random.Random(seed)
    enough, over = asyncio.Event(), asyncio.Event()
    async with AsyncExitStack() as exits:
        timeout, connector = aiohttp.ClientTimeout(total=30), aiohttp.TCPConnector(limit=0)
        http = await exits.enter_async_context(aiohttp.ClientSession(timeout=timeout, connector=connector))
        people = People(http, stack)
        keys = [await people.join() for _ in range(min(clients, ACCOUNTS))]
        room = await people.room()
        talkers = [
            Talker(f"c{n}", http, stack.url("chat"), room, keys[n % len(keys)], seed + n)
            for n in range(clients)
        ]
        talking = [asyncio.create_task(talker.talk(per_s, enough, over)) for talker in talkers]
        await deal(stack, blows, dice, pause_s)
        enough.set()
        faults = await settled(talkers, people, room)
        over.set()
        ends = await asyncio.gather(*talking, return_exceptions=True)
        faults += [f"a client failed: {end!r}" for end in ends if isinstance(end, Exception)]
        faults += judged(talkers, await people.history(room))
        faults += await rebuilt(stack)
        messages = {message for talker in talkers for message in talker.acknowledged}
        counts = sum((talker.counts for talker in talkers), Counter[str]())
        gaps = sum(talker.gaps for talker in talkers)
        did = f"{len(messages)} messages, {gaps} gaps told, {dict(counts)}"
        return Talk(faults, did, Counter(blows), time.monotonic() - began_s, len(messages))


async def settled(talkers: list[Talker], people: People, room: str) -> list[str]:
    """Wait until every client is where the room is, and the history, too."""
    until_s, where = time.monotonic() + SETTLED_S, "?"
    while time.monotonic() < until_s:
        await asyncio.sleep(1.0)
        last = max(talker.last for talker in talkers)
        waiting = sum(talker.last < last for talker in talkers)
        owed = sum(talker.owes for talker in talkers)
        known = {i for talker in talkers for i in talker.seen}
        held = len(await people.history(room)) if not waiting and not owed else 0
        where = (
            f"{waiting} clients behind {last}, {owed} messages not acknowledged, {held} of {len(known)} held"
        )
        if not waiting and not owed and held >= len(known):
            return []
    return [f"not settled after {SETTLED_S:g} s: {where}"]


def judged(talkers: list[Talker], history: list[tuple[int, str]]) -> list[str]:
    """What differs between what clients were told, what they saw, and what the room remembers."""
    faults = [fault for talker in talkers for fault in talker.faults]
    places = dict(history)
    if len(places) != len(history) or len(set(places.values())) != len(history):
        faults.append("the history holds something twice")
    if [i for i, _ in history] != sorted(places):
        faults.append("the history is not in the log's order")
    shown = set(places.values())
    for talker in talkers:
        lost = talker.acknowledged - shown
        faults += [f"{talker.name}: {message} was acknowledged and is not in the history" for message in lost]
        order = list(talker.seen)
        if order != sorted(order):
            faults.append(f"{talker.name} saw messages out of order")
        faults += [f"{talker.name} saw {m} at {i}" for i, m in talker.seen.items() if places.get(i) != m]
        if not talker.gaps:
            missed = [i for i in places if talker.began_at < i <= talker.last and i not in talker.seen]
            faults += [f"{talker.name} missed {i} and was not told" for i in missed]
    return faults


async def rebuilt(stack: Stack) -> list[str]:
    """Whether the projections come out the same from the log."""
    return [f"verify: {one}" for one in await differing(stack.settings, (ROOMS, DESK, "chat.room"))]


class People:
    """Who talks, and the room."""

    def __init__(self, http: aiohttp.ClientSession, stack: Stack) -> None:
        self._http, self._stack = http, stack
        self._admin = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}

    async def join(self) -> str:
        """The API key of a new account."""
        wish = {"email": f"{uuid.uuid4().hex[:12]}@chaos.example", "roles": ["viewer"]}
        link = await self._post("identity", "/v1/invitations", wish, self._admin)
        proof = {"token": link["token"], "password": PASSWORD}
        await self._post("identity", "/v1/one-time-links/redeem", proof, {})
        login = {"email": wish["email"], "password": PASSWORD}
        token = (await self._post("identity", "/v1/sessions", login, {}))["access_token"]
        wanted = {"name": "chaos", "scopes": ["chat:write"]}
        made = await self._post("identity", "/v1/api-keys", wanted, {"Authorization": f"Bearer {token}"})
        return str(made["api_key"])

    async def room(self) -> str:
        """One in which quick writers are welcome."""
        room = str((await self._post("chat", "/v1/rooms", {"title": "Chaos"}, self._admin))["id"])
        url = f"{self._stack.url('chat')}/v1/rooms/{room}/screening"
        rules = {"rules": {"repeats": None, "flood": None, "score": None}, "based_on": 0}
        async with self._http.put(url, json=rules, headers=self._admin) as answer:
            answer.raise_for_status()
        return room

    async def history(self, room: str) -> list[tuple[int, str]]:
        """Every message that the room shows, oldest first, as (id, message id)."""
        found: list[tuple[int, str]] = []
        before: int | None = None
        while True:
            query = {"limit": "200"} | ({"before": str(before)} if before is not None else {})
            url = f"{self._stack.url('chat')}/v1/rooms/{room}/messages"
            async with self._http.get(url, params=query, headers=self._admin) as answer:
                answer.raise_for_status()
                page = await answer.json()
            found = [(item["id"], item["message_id"]) for item in page["items"]] + found
            before = page["before"]
            if before is None:
                return found

    async def _post(self, service: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        async with self._http.post(self._stack.url(service) + path, json=body, headers=headers) as answer:
            if answer.status not in (200, 201):
                raise RuntimeError(f"POST {path}: {answer.status} {await answer.text()}")
            document: dict[str, Any] = await answer.json()
            return document


@click.command()
@click.option("--each", default=10, help="Blows of every kind.")
@click.option("--clients", default=200)
@click.option("--per-s", default=0.5, help="Messages a second of one client.")
@click.option("--pause", default="2.0-5.0", help="Seconds between blows, FROM-TO.")
@click.option("--seed", default=7)
def main(each: int, clients: int, per_s: float, pause: str, seed: int) -> None:
    """Run, print what happened, judge."""

    async def talk(stack: Stack, _: Path, blows: list[str], pause_s: Pause) -> Told:
        return await converse(stack, blows, clients, per_s, pause_s, seed)

    run(KINDS, each, pause, seed, UNLIMITED, talk)


if __name__ == "__main__":
    main()
