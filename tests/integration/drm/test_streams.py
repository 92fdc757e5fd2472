"""Licences on real servers: the count of streams holds over killed workers, and a rebuild shows the same."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

import orjson

from deploy.local.launcher import Stack
from schemas.catalog import load_topology
from schemas.drm.views import ACCOUNTS, FILM_REQUESTS, FILMS, POLICIES, POLICY_REQUESTS, REQUESTS
from schemas.event import Event
from schemas.keys import tag
from streams.core.clients import redis_client
from streams.core.producer import EventProducer
from streams.engine.replay import Replay
from tests.support.worker import Worker
from tests.unit.drm.telling import FILM, asked, beat, stopped, stream_of

PATIENCE_S = 240.0  # of a busy machine; a test ends as soon as what it waits for is there
DEVICES = 10  # so that every licence asked for is among the newest that a document shows
MOST = 3


class Accounts:
    """Requests onto the log, documents out of Redis."""

    def __init__(self, stack: Stack) -> None:
        self.settings = stack.settings.model_copy(update={"publish_timeout_s": 60.0})
        self.producer, self.redis = EventProducer(self.settings, "test"), redis_client(self.settings)
        self.topology, self.account_id = load_topology(), secrets.token_hex(16)

    async def ask(self, *requests: Event) -> list[str]:
        """Publish requests made by `tests.unit.drm.telling` for this account; returns their ce_ids."""
        ids = [secrets.token_hex(16) for _ in requests]
        for ce_id, each in zip(ids, requests, strict=True):
            data = {**each.data, "account_id": self.account_id}
            await self.producer.publish(REQUESTS, self.account_id, each.type, data, ce_id=ce_id)
        return ids

    async def outcome(self, ce_id: str, topic: str = REQUESTS, name: str = ACCOUNTS, key: str = "") -> Any:
        """What became of a request."""
        key = key or self.account_id
        where = f"{tag(name, 1, self.topology.topic(topic).partition_of(key))}:outcome:{ce_id}:{key}"
        deadline = time.monotonic() + PATIENCE_S
        while (raw := await self.redis.get(where)) is None:
            assert time.monotonic() < deadline, f"nothing became of {ce_id} in {PATIENCE_S:.0f} s"
            await asyncio.sleep(0.05)
        return orjson.loads(raw)

    async def document(self, topic: str = REQUESTS, name: str = ACCOUNTS, key: str = "") -> Any:
        key = key or self.account_id
        where = tag(name, 1, self.topology.topic(topic).partition_of(key))
        return orjson.loads(await self.redis.hget(f"{where}:state", key))

    async def equal(self, name: str) -> bool:
        """Build the projection anew from the log and compare."""
        replay = Replay(self.settings, self.topology, name, self.redis, lambda _: None)
        try:
            return (await replay.verify()).equal
        finally:
            await replay.close()

    async def close(self) -> None:
        await self.redis.aclose()
        await self.producer.close()


async def test_no_stream_too_many_over_killed_workers_and_a_rebuild_shows_the_same(
    stack: Stack, worker: Worker
) -> None:
    worker.start()
    accounts = Accounts(stack)
    now_ms, rules = int(time.time() * 1000), {"max_streams": MOST, "stream_lease_s": 3600}
    try:
        first = await accounts.ask(*(asked(f"d{n}", at_ms=now_ms, rules=rules) for n in range(DEVICES)))
        await accounts.outcome(first[0])
        worker.kill()
        worker.start()
        # Half of what plays stops, everybody else asks again; the worker dies once more in the middle.
        outcomes = [await accounts.outcome(each) for each in first]
        playing = [n for n, each in enumerate(outcomes) if each["type"] == "kinolog.drm.LicenceGranted"]
        refused = {each["data"]["code"] for n, each in enumerate(outcomes) if n not in playing}
        assert (len(playing), refused) == (MOST, {"too_many_streams"})
        ended = [stopped(stream_of(f"d{n}")) for n in playing[1:]]
        again = [asked(f"d{n}", at_ms=now_ms + 1, rules=rules) for n in range(DEVICES) if n not in playing]
        ids = await accounts.ask(*ended, *again[:4], beat(stream_of(f"d{playing[0]}"), now_ms))
        worker.kill()
        worker.start()
        ids += await accounts.ask(*again[4:])
        await accounts.outcome(ids[-1])
        document = await accounts.document()
        assert len(document["streams"]) == MOST
        assert stream_of(f"d{playing[0]}") in document["streams"]
        granted = {view["stream_id"] for view in document["licences"].values() if not view["code"]}
        assert {*document["streams"]} <= granted
        assert await accounts.equal(ACCOUNTS)
        assert await accounts.equal("drm.account")
    finally:
        await accounts.close()


async def test_policies_and_films(stack: Stack, worker: Worker) -> None:
    worker.start()
    accounts = Accounts(stack)
    policy_id, asset_id = f"p-{secrets.token_hex(4)}", f"{FILM}-{secrets.token_hex(4)}"
    try:
        ids = []
        for replaces in (0, 0):
            ids.append(secrets.token_hex(16))
            data = {"policy_id": policy_id, "rules": "{}", "replaces": replaces, "actor": "operator"}
            name = "kinolog.drm.PolicyChangeRequested"
            await accounts.producer.publish(POLICY_REQUESTS, policy_id, name, data, ce_id=ids[-1])
        told = [await accounts.outcome(each, POLICY_REQUESTS, POLICIES, policy_id) for each in ids]
        assert told[0] == {"type": "kinolog.drm.PolicyChanged"}
        assert told[1]["data"]["code"] == "policy_changed"
        assert (await accounts.document(POLICY_REQUESTS, POLICIES, policy_id))["version"] == 1
        change = {"asset_id": asset_id, "access": "members", "policy_id": policy_id, "stopped": None}
        name = "kinolog.drm.AccessChangeRequested"
        await accounts.producer.publish(FILM_REQUESTS, asset_id, name, {**change, "actor": "x"}, ce_id=ids[0])
        await accounts.outcome(ids[0], FILM_REQUESTS, FILMS, asset_id)
        film = await accounts.document(FILM_REQUESTS, FILMS, asset_id)
        assert film == {"access": "members", "policy_id": policy_id, "stopped": False}
        for projection in (POLICIES, FILMS):
            assert await accounts.equal(projection)
    finally:
        await accounts.close()
