"""Keys of protected films: once made they stay, they are bound to their film, and they go with it."""

from __future__ import annotations

import asyncio

import pytest

from schemas.media.protection import AUDIO, HD, LABELS, SD, UHD, label_of
from schemas.media.titles import subject_of
from streams.core.content_keys import ContentKeys, KeyUnknown, kid_of
from streams.core.vault import CONTENT_KEY, SUBJECT_KEY, Vault, VaultUnusable


def test_pictures_are_labelled_by_their_height() -> None:
    heights = (144, 576, 577, 1080, 1081, 2160)
    assert [label_of(height) for height in heights] == [SD, SD, HD, HD, UHD, UHD]


def test_kids_differ_by_film_label_and_version() -> None:
    kids = {
        kid_of(asset_id, label, version) for asset_id in ("a", "b") for label in LABELS for version in (1, 2)
    }
    assert len(kids) == 16
    assert all(len(bytes.fromhex(kid)) == 16 for kid in kids)


async def test_every_label_has_a_key_of_its_own_and_keeps_it(vault: Vault) -> None:
    keys = ContentKeys(vault)
    kids = await keys.ensure("film", "cenc", 1, LABELS)
    first = await keys.get("film", "cenc", 1, list(kids.values()))
    assert len(set(first.values())) == 4
    assert {len(key) for key in first.values()} == {16}
    again = await asyncio.gather(*(keys.ensure("film", "cenc", 1, LABELS) for _ in range(4)))
    assert all(other == kids for other in again)
    assert await keys.get("film", "cenc", 1, list(kids.values())) == first


async def test_schemes_and_versions_share_no_key(vault: Vault) -> None:
    keys = ContentKeys(vault)
    found = set()
    for scheme, version in (("cenc", 1), ("cbcs", 1), ("cenc", 2)):
        kids = await keys.ensure("film", scheme, version, [AUDIO])  # type: ignore[arg-type]
        found |= set((await keys.get("film", scheme, version, [kids[AUDIO]])).values())  # type: ignore[arg-type]
    assert len(found) == 3


async def test_a_key_of_another_film_is_unknown(vault: Vault) -> None:
    keys = ContentKeys(vault)
    kids = await keys.ensure("film", "cenc", 1, [AUDIO])
    with pytest.raises(KeyUnknown):
        await keys.get("other", "cenc", 1, [kids[AUDIO]])
    with pytest.raises(KeyUnknown):
        await keys.get("film", "cbcs", 1, [kids[AUDIO]])


async def test_a_key_that_was_moved_does_not_open(vault: Vault) -> None:
    keys = ContentKeys(vault)
    kid = (await keys.ensure("film", "cenc", 1, [AUDIO]))[AUDIO]
    stored = await vault.redis.hgetall(f"e:{CONTENT_KEY}:film|{kid}|cenc|1")  # type: ignore[misc]
    await vault.redis.hset(f"e:{CONTENT_KEY}:film|{kid}|cbcs|1", mapping=stored)  # type: ignore[misc]
    with pytest.raises(VaultUnusable):
        await keys.get("film", "cbcs", 1, [kid])


async def test_keys_go_with_their_film_and_do_not_come_back(vault: Vault) -> None:
    keys = ContentKeys(vault)
    with pytest.raises(KeyUnknown):
        await keys.ensure("film", "cenc", 1, [AUDIO, SD], film_known=True)
    await vault.put(SUBJECT_KEY, subject_of("film"), b"of its title", subject=subject_of("film"))
    kids = await keys.ensure("film", "cenc", 1, [AUDIO, SD], film_known=True)
    await vault.forget(subject_of("film"))
    with pytest.raises(KeyUnknown):
        await keys.get("film", "cenc", 1, list(kids.values()))
    with pytest.raises(KeyUnknown):
        await keys.ensure("film", "cenc", 1, [AUDIO, SD], film_known=True)
    assert await vault.entries(CONTENT_KEY) == []
