"""Encode leases on a real Redis: one holder, rising tokens, nothing lost when all are."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from streams.engine import leases
from streams.engine.leases import Leases


@pytest.fixture(autouse=True)
def long_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them ends while a busy machine is at something else."""
    monkeypatch.setattr(leases, "LEASE_MS", 60_000)


@pytest.fixture
def work() -> str:
    return f"work-{secrets.token_hex(6)}"


async def test_one_holder_at_a_time(client: Any, work: str) -> None:
    ours, theirs = Leases(client, "s/1"), Leases(client, "s/2")
    first = await ours.grant(work, "r1")
    assert first.token > 0
    refused = await theirs.grant(work, "r1")
    assert (refused.token, refused.done) == (0, False)
    assert 0 < refused.wait_s <= 60
    await ours.release(work, first.token)
    second = await theirs.grant(work, "r1")
    assert second.token > first.token
    assert not await ours.renew(work, first.token)
    assert await theirs.renew(work, second.token)


async def test_a_second_request_of_the_same_process_waits(client: Any, work: str) -> None:
    ours = Leases(client, "s/1")
    await ours.grant(work, "r1")
    assert (await ours.grant(work, "r2")).token == 0


async def test_the_next_life_of_a_slot_takes_over_at_once(client: Any, work: str) -> None:
    before = await Leases(client, "s/1").grant(work, "r1")
    after = await Leases(client, "s/1").grant(work, "r1")
    assert after.token > before.token


async def test_finished_requests_are_not_done_again_but_new_ones_are(client: Any, work: str) -> None:
    ours, theirs = Leases(client, "s/1"), Leases(client, "s/2")
    token = (await ours.grant(work, "r1")).token
    await ours.release(work, token, "r1")
    assert (await theirs.grant(work, "r1")).done
    assert (await theirs.grant(work, "r2")).token > token


async def test_an_emptied_store_gives_the_lease_back_and_tokens_still_rise(client: Any, work: str) -> None:
    ours, theirs = Leases(client, "s/1"), Leases(client, "s/2")
    token = (await ours.grant(work, "r1")).token
    await client.delete(f"lease:{{{work}}}")
    assert await ours.renew(work, token)
    assert (await theirs.grant(work, "r1")).token == 0
    await client.delete(f"lease:{{{work}}}")
    later = await theirs.grant(work, "r1")
    assert later.token > token
    assert not await ours.renew(work, token)


async def test_leases_work_on_a_cluster(cluster_client: Any, work: str) -> None:
    ours = Leases(cluster_client, "s/1")
    token = (await ours.grant(work, "r1")).token
    assert await ours.renew(work, token)
    await ours.release(work, token, "r1")
    assert (await ours.grant(work, "r1")).done
