"""What the vault promises, on a real server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from deploy.local.ports import HOST, free_ports
from streams.core import vault_care
from streams.core.kms import LocalFileKms
from streams.core.settings import Settings
from streams.core.vault import (
    API_KEY,
    LOGIN_SESSION,
    PASSWORD,
    SIGNING_KEY,
    SUBJECT_KEY,
    Vault,
    VaultUnavailable,
    VaultUnusable,
    open_vault,
)
from streams.core.vault_care import Entry, all_entries, rewrap, shortcomings
from tests.support.vault import VaultServer


async def test_put_get_delete(vault: Vault) -> None:
    assert await vault.put(PASSWORD, "ada", b"\x00hash")
    assert await vault.get(PASSWORD, "ada") == b"\x00hash"
    assert await vault.get(API_KEY, "ada") is None
    assert await vault.delete(PASSWORD, "ada")
    assert not await vault.delete(PASSWORD, "ada")
    assert await vault.get(PASSWORD, "ada") is None


async def test_many_in_one_go_keep_their_order(vault: Vault) -> None:
    for name in ("a", "b"):
        await vault.put(API_KEY, name, name.encode())
    assert await vault.get_many(API_KEY, ["b", "none", "a"]) == [b"b", None, b"a"]
    assert await vault.get_many(API_KEY, []) == []


async def test_if_absent_lets_one_in(vault: Vault) -> None:
    done = await asyncio.gather(*(vault.put(API_KEY, "k", b"%d" % n, if_absent=True) for n in range(8)))
    assert sorted(done) == [False] * 7 + [True]
    assert await vault.get(API_KEY, "k") == b"%d" % done.index(True)


async def test_nothing_is_filed_under_a_subject_without_a_key(vault: Vault) -> None:
    assert not await vault.put(PASSWORD, "ada", b"x", subject="ada", if_subject_known=True)
    await vault.put(SUBJECT_KEY, "ada", b"key", subject="ada")
    assert await vault.put(PASSWORD, "ada", b"x", subject="ada", if_subject_known=True)
    await vault.forget("ada")
    assert not await vault.put(PASSWORD, "ada", b"x", subject="ada", if_subject_known=True)
    assert await vault.get(PASSWORD, "ada") is None


async def test_swap_takes_exactly_one_of_many(vault: Vault) -> None:
    await vault.put(LOGIN_SESSION, "s", b"old", subject="ada", expires_in_s=1000)
    done = await asyncio.gather(*(vault.swap(LOGIN_SESSION, "s", b"old", b"new%d" % n) for n in range(8)))
    assert sorted(done) == [False] * 7 + [True]
    assert await vault.get(LOGIN_SESSION, "s") == b"new%d" % done.index(True)
    assert await vault.redis.ttl("e:login_session:s") > 900
    assert not await vault.swap(LOGIN_SESSION, "none", b"old", b"new")
    assert await vault.forget("ada") == 1


async def test_an_expired_entry_is_in_nothing(vault: Vault) -> None:
    await vault.put(LOGIN_SESSION, "short", b"x", subject="ada", expires_in_s=0.001)
    async with asyncio.timeout(30):
        while await vault.get(LOGIN_SESSION, "short") is not None:  # noqa: ASYNC110 - Redis' clock decides
            await asyncio.sleep(0.005)
    await vault.put(LOGIN_SESSION, "long", b"y", subject="ada", expires_in_s=1000)
    assert await vault.entries(LOGIN_SESSION) == ["long"]
    assert await vault.redis.zcard("s:ada") == 1
    assert await vault.forget("ada") == 1


async def test_put_again_replaces_value_and_expiry_and_keeps_the_subject(vault: Vault) -> None:
    await vault.put(API_KEY, "k", b"1", subject="ada", expires_in_s=1000)
    await vault.put(API_KEY, "k", b"2")
    assert await vault.redis.ttl("e:api_key:k") == -1
    await vault.put(API_KEY, "k", b"3", subject="eve")
    assert await vault.forget("ada") == 0
    assert await vault.get(API_KEY, "k") == b"3"
    assert await vault.forget("eve") == 1


async def test_entries_of_one_kind(vault: Vault) -> None:
    for number in range(20):
        await vault.put(SIGNING_KEY, f"key:{number:02}", b"pem")
    await vault.put(API_KEY, "other", b"x")
    await vault.delete(SIGNING_KEY, "key:07")
    names = [f"key:{number:02}" for number in range(20) if number != 7]
    assert await vault.entries(SIGNING_KEY) == names


async def test_forget_takes_all_of_one_and_nothing_of_others(vault: Vault) -> None:
    for name in ("ada", "eve"):
        await vault.put(PASSWORD, name, b"hash", subject=name)
        await vault.put(SUBJECT_KEY, name, b"key", subject=name)
        await vault.put(API_KEY, f"{name}:1", b"key", subject=name)
    assert await vault.forget("ada") == 3
    assert await vault.forget("ada") == 0
    assert [await vault.entries(kind) for kind in (PASSWORD, SUBJECT_KEY, API_KEY)] == [
        ["eve"],
        ["eve"],
        ["eve:1"],
    ]
    assert not [key async for key in vault.redis.scan_iter() if b"ada" in key]


async def test_all_entries_in_clear(vault: Vault) -> None:
    await vault.put(PASSWORD, "ada", b"hash", subject="ada")
    await vault.put(LOGIN_SESSION, "a:b", b"x", expires_in_s=1000)
    found = {(entry.kind, entry.id): entry async for entry in all_entries(vault)}
    assert found.pop((PASSWORD, "ada")) == Entry(PASSWORD, "ada", b"hash", "ada", None)
    [session] = found.values()
    assert (session.value, session.subject, session.expires_at_ms is None) == (b"x", None, False)


@pytest.mark.parametrize("id", ["", "x" * 201, "a\nb"])
async def test_an_id_that_cannot_be(vault: Vault, id: str) -> None:
    with pytest.raises(ValueError, match="1 to 200 printable"):
        await vault.get(PASSWORD, id)


async def test_a_kind_or_value_that_cannot_be(vault: Vault) -> None:
    with pytest.raises(ValueError, match="no kind of the vault's: there are api_key"):
        await vault.put("passwords", "ada", b"x")
    with pytest.raises(ValueError, match="takes up to 65536"):
        await vault.put(PASSWORD, "ada", b"x" * 65537)


async def test_an_entry_moved_to_another_place_is_refused(vault: Vault) -> None:
    await vault.put(PASSWORD, "ada", b"hash")
    await vault.put(PASSWORD, "eve", b"hash")
    await vault.redis.copy("e:password:ada", "e:password:eve", replace=True)
    with pytest.raises(VaultUnusable, match="stands in another's place"):
        await vault.get(PASSWORD, "eve")


async def test_values_stand_wrapped(vault: Vault, vault_server: VaultServer) -> None:
    await vault.put(PASSWORD, "ada", b"the-hash-of-a-password")
    wrapped = await vault.redis.hget("e:password:ada", "v")
    assert vault_server.holds(wrapped)
    assert not vault_server.holds(b"the-hash-of-a-password")


async def test_lost_keys_are_told_before_anything_is_written(vault: Vault, tmp_path: Path) -> None:
    await vault.put(PASSWORD, "ada", b"hash")
    lost, other = LocalFileKms(tmp_path / "lost.json"), LocalFileKms(tmp_path / "other.json")
    other.wrap(b"", b"")
    for kms, sentence in (
        (lost, r"lost\.json is gone: restore it from its copy"),
        (other, r"which .*other\.json does not hold: put back the file that does"),
    ):
        stranger = Vault(vault.redis, kms)
        for act in (
            stranger.ready,
            lambda: stranger.get(PASSWORD, "ada"),  # noqa: B023 - used at once
            lambda: stranger.put(PASSWORD, "eve", b"x"),  # noqa: B023 - used at once
        ):
            with pytest.raises(VaultUnusable, match=sentence):
                await act()
    assert os.listdir(tmp_path) == ["other.json"]
    assert await vault.entries(PASSWORD) == ["ada"]


async def test_rotated_keys_wrap_everything_anew(
    vault: Vault, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_care, "_BATCH", 4)
    puts = (vault.put(API_KEY, str(number), b"%d" % number, subject="ada") for number in range(20))
    await asyncio.gather(*puts)
    await vault.put(LOGIN_SESSION, "s", b"x", expires_in_s=1000)
    old = vault.kms.active_key_id
    new = vault.kms.rotate()
    assert await rewrap(vault) == 21
    assert await rewrap(vault) == 0
    seen = {vault.kms.key_id_of(await vault.redis.hget(f"e:api_key:{n}", "v")) for n in range(20)}
    assert (seen, old == new) == ({new}, False)
    assert await vault.get_many(API_KEY, ["0", "19"]) == [b"0", b"19"]
    assert await vault.redis.ttl("e:login_session:s") > 900
    # Nothing needs the old key any longer, the check of the keys included.
    kms = vault_server.kms()
    kms.drop_retired(before_ms=2**60)
    await vault.ready()
    assert await vault.forget("ada") == 20


async def test_writers_go_on_while_everything_is_wrapped_anew(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_care, "_BATCH", 4)
    await asyncio.gather(*(vault.put(LOGIN_SESSION, str(number), b"0") for number in range(60)))
    vault.kms.rotate()

    swaps = [vault.swap(LOGIN_SESSION, str(number), b"0", b"1") for number in range(0, 60, 3)]
    done = await asyncio.gather(rewrap(vault), *swaps[:10], rewrap(vault), *swaps[10:])
    assert done.count(True) == 20
    assert await rewrap(vault) == 0
    values = await vault.get_many(LOGIN_SESSION, [str(number) for number in range(60)])
    assert values == [b"1" if number % 3 == 0 else b"0" for number in range(60)]


async def test_a_vault_that_is_down_is_named(tmp_path: Path) -> None:
    port = free_ports(["vault"])["vault"]
    vault = open_vault(Settings(kinolog_home=tmp_path, vault_url=f"redis://:secret@{HOST}:{port}"))
    for act in (
        vault.ready(),
        vault.get(PASSWORD, "ada"),
        vault.put(PASSWORD, "ada", b"x"),
        vault.forget("a"),
    ):
        with pytest.raises(VaultUnavailable, match=rf"vault at 127\.0\.0\.1:{port} does not answer") as told:
            await act
        assert "secret" not in str(told.value)
    await vault.aclose()


async def test_a_wrong_password_is_told(vault_server: VaultServer, tmp_path: Path) -> None:
    url = vault_server.settings.vault_url.get_secret_value().replace("the-vault", "not-the-vault")
    vault = open_vault(Settings(kinolog_home=tmp_path, vault_url=url))
    with pytest.raises(VaultUnavailable, match="correct VAULT_URL"):
        await vault.ready()
    await vault.aclose()


async def test_a_server_that_keeps_nothing_is_no_vault(vault: Vault) -> None:
    await vault.redis.config_set("appendonly", "no")
    try:
        with pytest.raises(VaultUnusable, match="keeps nothing on its disk: set `appendonly yes`"):
            await vault.ready()
    finally:
        await vault.redis.config_set("appendonly", "yes")
        await vault.rewrite_file()
    await vault.ready()


async def test_a_write_repeated_after_a_lost_answer_is_done_once(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks when the server has done the write: the client repeats it by itself."""
    await vault.ready()
    lost: list[bool] = []
    script = type(vault._put).__call__

    async def breaking(self: object, **given: object) -> object:
        answer = await script(self, **given)  # type: ignore[arg-type]
        if not lost:
            lost.append(True)
            answer = await script(self, **given)  # type: ignore[arg-type]
        return answer

    monkeypatch.setattr(type(vault._put), "__call__", breaking)
    assert await vault.put(API_KEY, "k", b"x", if_absent=True)
    lost.clear()
    assert await vault.swap(API_KEY, "k", b"x", b"y")
    assert await vault.get(API_KEY, "k") == b"y"


async def test_a_server_that_would_lose_or_evict_is_told(vault: Vault) -> None:
    assert await shortcomings(vault) == []
    await vault.redis.config_set("appendfsync", "everysec")
    await vault.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert [sentence.split(" at ")[0] for sentence in await shortcomings(vault)] == [
            "appendfsync is everysec",
            "maxmemory-policy is allkeys-lru",
        ]
    finally:
        await vault.redis.config_set("appendfsync", "always")
        await vault.redis.config_set("maxmemory-policy", "noeviction")
