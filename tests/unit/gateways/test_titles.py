"""Titles of films: sealed on the log and in the library, open to those who may see the film."""

from __future__ import annotations

import base64

import pytest

from gateways.core.titles import sealed_title, shown_titles, titles_of
from schemas.media.titles import asset_of, subject_of
from streams.core.sealing import Sealer
from streams.core.vault import Vault, VaultUnavailable
from tests.unit.gateways.conftest import BEARER, Gateway


async def test_a_change_of_title_is_sealed_and_shown(gateway: Gateway) -> None:
    asset_id = (await gateway.upload(title="Before"))["id"]
    answer = await gateway.client.patch(f"/v1/assets/{asset_id}", json={"title": "After"}, headers=BEARER)
    assert (await answer.json())["asset"]["title"] == "After"
    said = gateway.world.published[-1].data
    assert said["title"] is None
    assert b"After" not in base64.b64decode(said["title_sealed"])
    assert all("Before" not in str(e.data) and "After" not in str(e.data) for e in gateway.world.said)


async def test_a_forgotten_title_is_none_and_the_others_stay(gateway: Gateway, vault: Vault) -> None:
    kept, gone = [(await gateway.upload(title=title))["id"] for title in ("Kept", "Gone")]
    await vault.delete("subject_key", subject_of(gone))
    gateway.media.sealer._keys.clear()
    items = (await (await gateway.get("/v1/assets")).json())["items"]
    assert {item["id"]: item["title"] for item in items} == {kept: "Kept", gone: ""}
    # A key made anew opens nothing of before.
    await sealed_title(gateway.media.sealer, gone, "Another")
    items = (await (await gateway.get("/v1/assets")).json())["items"]
    assert {item["id"]: item["title"] for item in items} == {kept: "Kept", gone: ""}


async def test_titles_in_clear_of_before_are_shown(vault: Vault) -> None:
    sealer = Sealer(vault)
    said = [
        ("a", {"title": "Old"}),
        ("b", {"title": "", "title_sealed": await sealed_title(sealer, "b", "New")}),
        ("c", {"title": None, "title_sealed": None}),
    ]
    assert await titles_of(sealer, said) == ["Old", "New", ""]


async def test_without_the_vault_films_are_shown_and_not_searched(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id = (await gateway.upload(title="A film"))["id"]

    async def away(*_: object) -> None:
        raise VaultUnavailable("it is away")

    monkeypatch.setattr(gateway.media.sealer, "open_each", away)
    answer = await gateway.get(f"/v1/assets/{asset_id}")
    assert (answer.status, (await answer.json())["title"]) == (200, "")
    assert (await gateway.get("/v1/assets")).status == 200
    assert (await gateway.get("/v1/assets?q=film")).status == 503
    assert await shown_titles(gateway.media.sealer, [("a", {"title": "Old"})]) == ["Old"]


def test_a_subject_of_the_vault_is_a_film_or_not() -> None:
    assert asset_of(subject_of("film-1")) == "film-1"
    assert asset_of("a" * 32) is None
