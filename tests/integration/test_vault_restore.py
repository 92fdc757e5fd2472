"""Backing a vault up and restoring it, on servers of its own; the log of erased people on the real stack."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy import log_reader, vault_backup
from deploy.commands.vault import command
from deploy.local.launcher import Stack
from deploy.vault_backup import BackupError, Lock, Passphrase, VaultKeys, read_head, write_backup
from deploy.vault_restoring import restore_backup
from streams.core import vault_care
from streams.core.kms import LocalFileKms, epoch_ms
from streams.core.producer import EventProducer
from streams.core.sealing import Sealer
from streams.core.vault import API_KEY, LOGIN_SESSION, PASSWORD, SUBJECT_KEY, Vault, VaultUnusable
from streams.core.vault_care import Entry, NotEmpty, all_entries, restore
from tests.support.vault import VaultServer

DAY_MS = 86_400_000
PASSPHRASE = Passphrase("correct horse battery")


@pytest.fixture(autouse=True)
def _quick_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_backup, "_SCRYPT", {"n": 2, "r": 8, "p": 1})


@pytest.fixture(scope="module")
def other_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    """Another machine: its own server, its own keys."""
    server = VaultServer(tmp_path_factory.mktemp("other"))
    server.start()
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture
async def other(other_server: VaultServer) -> AsyncIterator[Vault]:
    opened = other_server.vault()
    await opened.redis.flushall()
    yield opened
    await opened.aclose()


async def fill(vault: Vault) -> bytes:
    """A few people's entries; returns Ada's sealed address."""
    sealed = await Sealer(vault).seal("ada", "email", "ada@example.org", create=True)
    for name in ("ada", "eve"):
        await vault.put(PASSWORD, name, f"hash of {name}".encode(), subject=name)
        await vault.put(LOGIN_SESSION, f"{name}-s", b"refresh", subject=name, expires_in_s=1000)
    await vault.put(API_KEY, "k", b"key")
    return sealed


async def backed_up(vault: Vault, path: Path, lock: Lock, made_at_ms: int | None = None) -> Path:
    await write_backup(path, lock, all_entries(vault), epoch_ms() if made_at_ms is None else made_at_ms)
    return path


async def restored(
    vault: Vault, path: Path, lock: Lock = PASSPHRASE, erased: Iterable[str] = (), *,
    oldest_ms: int | None = None, replace: bool = False,
) -> int:  # fmt: skip
    now_ms = epoch_ms()
    oldest_ms = now_ms - 7 * DAY_MS if oldest_ms is None else oldest_ms
    return await restore_backup(
        vault, path, lock, set(erased), oldest_ms=oldest_ms, now_ms=now_ms, replace=replace
    )


async def test_a_round_trip_to_another_machine(vault: Vault, other: Vault, tmp_path: Path) -> None:
    sealed = await fill(vault)
    path = await backed_up(vault, tmp_path / "backup", PASSPHRASE)
    assert await restored(other, path) == 6
    await other.ready()
    before = {entry[:4]: entry.expires_at_ms async for entry in all_entries(vault)}
    after = {entry[:4]: entry.expires_at_ms async for entry in all_entries(other)}
    assert set(before) == set(after)
    for entry, expires_at_ms in before.items():
        assert (expires_at_ms is None) == (after[entry] is None)
        assert abs((expires_at_ms or 0) - (after[entry] or 0)) < 60_000
    assert await Sealer(other).open("ada", "email", sealed) == "ada@example.org"
    assert await other.forget("ada") == 3
    assert await Sealer(other).open("ada", "email", sealed) is None


async def test_under_the_key_file(vault: Vault, vault_server: VaultServer, tmp_path: Path) -> None:
    await fill(vault)
    lock = VaultKeys(vault_server.kms())
    path = await backed_up(vault, tmp_path / "backup", lock)
    vault.kms.rotate()
    assert await restored(vault, path, lock, replace=True) == 6
    assert await vault.get(PASSWORD, "ada") == b"hash of ada"


async def test_erased_people_stay_erased(vault: Vault, other: Vault, tmp_path: Path) -> None:
    sealed = await fill(vault)
    path = await backed_up(vault, tmp_path / "backup", PASSPHRASE)
    assert await restored(other, path, erased=["ada"]) == 3
    assert await other.entries(PASSWORD) == ["eve"]
    assert await Sealer(other).open("ada", "email", sealed) is None
    assert not [key async for key in other.redis.scan_iter() if b"ada" in key]


async def test_a_vault_that_holds_something_is_left_alone(vault: Vault, other: Vault, tmp_path: Path) -> None:
    await fill(vault)
    path = await backed_up(vault, tmp_path / "backup", PASSPHRASE)
    await other.put(PASSWORD, "zoe", b"hash")
    with pytest.raises(NotEmpty, match="holds entries: a restore needs an empty one, or --replace"):
        await restored(other, path)
    assert await other.get(PASSWORD, "zoe") == b"hash"
    assert await restored(other, path, replace=True) == 6
    assert await other.entries(PASSWORD) == ["ada", "eve"]


async def test_a_vault_whose_keys_are_lost_is_replaced(vault: Vault, other: Vault, tmp_path: Path) -> None:
    await fill(vault)
    path = await backed_up(vault, tmp_path / "backup", PASSPHRASE)
    await other.put(PASSWORD, "zoe", b"hash")
    anew = Vault(other.redis, LocalFileKms(tmp_path / "kms.json"))
    assert await restored(anew, path, replace=True) == 6
    await anew.ready()
    assert await anew.get(PASSWORD, "ada") == b"hash of ada"


async def test_a_file_that_cannot_be_trusted_changes_nothing(
    vault: Vault, other: Vault, tmp_path: Path
) -> None:
    await fill(vault)
    path = await backed_up(vault, tmp_path / "backup", PASSPHRASE)
    raw = path.read_bytes()
    await other.put(PASSWORD, "zoe", b"hash")
    changed = raw[:-60] + bytes([raw[-60] ^ 1]) + raw[-59:]
    for spoiled in (raw[:-1], raw[: len(raw) // 2], changed):
        path.write_bytes(spoiled)
        with pytest.raises(BackupError, match=r"cut short|changed"):
            await restored(other, path, replace=True)
    path.write_bytes(raw)
    with pytest.raises(BackupError, match="passphrase or key is not that of"):
        await restored(other, path, Passphrase("correct horse batters"), replace=True)
    assert await other.get(PASSWORD, "zoe") == b"hash"


async def test_a_backup_that_is_too_old_is_refused_unless_told(vault: Vault, tmp_path: Path) -> None:
    await fill(vault)
    path = await backed_up(vault, tmp_path / "backup", PASSPHRASE, epoch_ms() - 8 * DAY_MS)
    with pytest.raises(BackupError, match=r"is 8\.0 days old, 7 are allowed .* say --accept-older"):
        await restored(vault, path, replace=True)
    assert await restored(vault, path, oldest_ms=0, replace=True) == 6
    future = await backed_up(vault, tmp_path / "future", PASSPHRASE, epoch_ms() + 2 * DAY_MS)
    with pytest.raises(BackupError, match="in the future: set this machine's clock"):
        await restored(vault, future, replace=True)


async def test_a_restore_that_was_cut_off_shuts_the_vault_until_it_is_ended(
    vault: Vault,
    other: Vault,
    other_server: VaultServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vault_care, "_BATCH", 2)
    await fill(vault)
    path = await backed_up(vault, tmp_path / "backup", PASSPHRASE)
    entries = [entry async for entry in all_entries(vault)]

    def cut_off() -> Iterator[Entry]:
        yield from entries[:3]
        raise KeyboardInterrupt

    other_path = await backed_up(vault, tmp_path / "other", PASSPHRASE)
    with pytest.raises(KeyboardInterrupt):
        await restore(other, read_head(path).id, cut_off(), replace=False)
    user = other_server.vault()
    for act in (user.ready(), user.get(PASSWORD, "ada"), user.put(PASSWORD, "zoe", b"x")):
        with pytest.raises(VaultUnusable, match="restore of the vault began and did not end: run the same"):
            await act
    with pytest.raises(NotEmpty):
        await restored(other, other_path)

    async def cut_off_at_the_end() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(other, "rewrite_file", cut_off_at_the_end)
        with pytest.raises(KeyboardInterrupt):
            await restored(other, path)
    with pytest.raises(VaultUnusable, match="began and did not end"):
        await user.ready()
    assert await restored(other, path) == 6
    assert await user.entries(SUBJECT_KEY) == ["ada"]
    assert len([entry async for entry in all_entries(user)]) == 6
    await user.aclose()


@pytest.fixture
def types(
    monkeypatch: pytest.MonkeyPatch, stack: Stack, other_server: VaultServer
) -> Callable[..., Awaitable[Result]]:
    """Somebody at a terminal with a vault of their own, and the stack's Kafka."""
    vault = {
        "VAULT_URL": other_server.settings.vault_url.get_secret_value(),
        "KINOLOG_HOME": str(other_server.home.root),
    }
    monkeypatch.setattr(log_reader, "TIMEOUT_S", 60.0)
    for name, value in (stack.env | vault).items():
        monkeypatch.setenv(name, value)

    async def typed(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, command, words)

    return typed


async def test_the_commands(
    stack: Stack, other: Vault, tmp_path: Path, types: Callable[..., Awaitable[Result]]
) -> None:
    (tmp_path / "passphrase").write_text("correct horse battery\n")
    backup, secret = str(tmp_path / "backup"), ("--passphrase-file", str(tmp_path / "passphrase"))
    ada, eve = uuid.uuid4().hex, uuid.uuid4().hex
    for name in (ada, eve):
        await other.put(PASSWORD, name, b"hash", subject=name)
    assert "name a file with --passphrase-file" in (await types("backup", backup)).output
    done = await types("backup", backup, *secret)
    assert (done.exit_code, done.output) == (0, f"2 entries in {backup}; can be restored for 7 days.\n")
    assert "exists: name another file" in (await types("backup", backup, *secret)).output
    assert (await types("rotate")).output.startswith("2 entries are wrapped under the new key ")
    status = await types("status")
    assert (status.exit_code, "entries    password 2\n" in status.output) == (0, True)
    await other.redis.config_set("appendfsync", "everysec")
    status = await types("status")
    assert (status.exit_code, "wrong      appendfsync is everysec" in status.output) == (1, True)
    await other.redis.config_set("appendfsync", "always")

    patient = stack.settings.model_copy(update={"publish_timeout_s": 60.0})
    producer = EventProducer(patient, "test")
    started = {"account_id": ada, "actor": "administrator"}
    await producer.publish("identity.account.events", ada, "kinolog.identity.ErasureStarted", started)
    await producer.close()
    assert "holds entries" in (await types("restore", backup, *secret)).output
    done = await types("restore", backup, "--replace", *secret)
    assert done.output.startswith("1 entries as they were at ")
    assert await other.entries(PASSWORD) == [eve]
