"""Sealed text: readable by its subject's key only, and by nobody once that is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from streams.core import sealing
from streams.core.kms import Tampered
from streams.core.sealing import KEPT_S, Sealer, SubjectForgotten
from streams.core.vault import SUBJECT_KEY, Vault


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sealer(vault: Vault, clock: Clock) -> Sealer:
    return Sealer(vault, clock=clock)


async def test_text_comes_back_for_its_subject_and_field(sealer: Sealer, vault: Vault) -> None:
    sealed = await sealer.seal("ada", "email", "ada@example.org", create=True)
    assert b"example" not in sealed
    assert await Sealer(vault).open("ada", "email", sealed) == "ada@example.org"
    assert await sealer.seal("ada", "email", "ada@example.org") != sealed


async def test_text_of_another_field_or_subject_or_changed_is_refused(sealer: Sealer) -> None:
    sealed = await sealer.seal("ada", "email", "ada@example.org", create=True)
    await sealer.seal("eve", "email", "eve@example.org", create=True)
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for subject, field, data in (
        ("ada", "name", sealed), ("eve", "email", sealed), ("ada", "email", changed), ("ada", "email", b""),
    ):  # fmt: skip
        with pytest.raises(Tampered, match=f"The sealed {field} of {subject}"):
            await sealer.open(subject, field, data)


async def test_each_that_opens_is_opened(sealer: Sealer) -> None:
    sealed = await sealer.seal("ada", "email", "ada@example.org", create=True)
    items = [
        ("ada", "name", sealed),
        ("ada", "email", sealed),
        ("eve", "email", sealed),
        ("ada", "email", b""),
    ]
    assert await sealer.open_each(items) == [None, "ada@example.org", None, None]


async def test_only_create_makes_a_key(sealer: Sealer, vault: Vault) -> None:
    with pytest.raises(SubjectForgotten):
        await sealer.seal("ada", "email", "ada@example.org")
    assert await vault.entries(SUBJECT_KEY) == []
    await asyncio.gather(*(Sealer(vault).seal("ada", "f", "x", create=True) for _ in range(8)))
    assert await vault.entries(SUBJECT_KEY) == ["ada"]


async def test_makers_of_a_key_at_once_agree_on_one(vault: Vault) -> None:
    sealed = await asyncio.gather(
        *(Sealer(vault).seal("ada", "f", str(number), create=True) for number in range(8))
    )
    opened = await Sealer(vault).open_many([("ada", "f", each) for each in sealed])
    assert opened == [str(number) for number in range(8)]


async def test_a_forgotten_subject_is_unreadable_within_half_a_second(
    sealer: Sealer, vault: Vault, clock: Clock
) -> None:
    sealed = await sealer.seal("ada", "email", "ada@example.org", create=True)
    kept = await sealer.seal("eve", "email", "eve@example.org", create=True)
    await vault.forget("ada")
    clock.now_s += KEPT_S
    both = [("ada", "email", sealed), ("eve", "email", kept)]
    assert await sealer.open_many(both) == [None, "eve@example.org"]
    with pytest.raises(SubjectForgotten):
        await sealer.seal("ada", "email", "again")


async def test_keys_leave_memory_though_nobody_asks_again(sealer: Sealer, clock: Clock) -> None:
    await sealer.seal("ada", "email", "ada@example.org", create=True)
    assert len(sealer._keys) == 1
    clock.now_s += KEPT_S
    async with asyncio.timeout(30):
        while sealer._keys:  # noqa: ASYNC110 - the loop's timer decides
            await asyncio.sleep(0.01)


async def test_keys_in_memory_are_bounded(sealer: Sealer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST_KEYS", 3)
    sealed = [(name, "f", await sealer.seal(name, "f", name, create=True)) for name in "abcdef"]
    assert len(sealer._keys) == 3
    assert await sealer.open_many(sealed) == list("abcdef")
    assert len(sealer._keys) == 3


async def test_keys_in_use_are_asked_for_together(
    sealer: Sealer, vault: Vault, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for subject in ("ada", "eve", "bob"):
        await sealer.seal(subject, "name", "x", create=True)
    clock.now_s += 2 * KEPT_S
    asked: list[list[str]] = []
    ask = vault.get_many

    async def noted(kind: str, ids: list[str]) -> list[bytes | None]:
        asked.append(ids)
        return await ask(kind, ids)

    monkeypatch.setattr(vault, "get_many", noted)
    for subject in ("ada", "eve", "bob"):
        await sealer.seal(subject, "name", "x")
    assert asked == [["ada"], ["eve"], ["bob"]]
    for subject in ("ada", "eve"):
        await sealer.seal(subject, "name", "y")  # bob is read no more
    clock.now_s += 0.75 * KEPT_S
    await vault.delete(SUBJECT_KEY, "eve")
    await sealer.seal("new", "name", "x", create=True)
    assert asked[3] == ["new", "ada", "eve"]
    with pytest.raises(SubjectForgotten):
        await sealer.seal("eve", "name", "y")
    asked.clear()
    clock.now_s += 0.75 * KEPT_S
    await sealer.seal("ada", "name", "y")
    assert asked == []
