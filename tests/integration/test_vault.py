"""The vault under blows, on servers of its own: nothing acknowledged is lost, nothing forgotten is left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from streams.core.kms import Tampered
from streams.core.sealing import Sealer
from streams.core.vault import (
    API_KEY,
    LOGIN_SESSION,
    PASSWORD,
    SUBJECT_KEY,
    Vault,
    VaultUnavailable,
    VaultUnusable,
    open_vault,
)
from streams.core.vault_care import holding, rewrap
from tests.support.vault import VaultServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[VaultServer]:
    """One that this test may kill."""
    started = VaultServer(tmp_path / "home")
    started.start()
    yield started
    started.stop(signal.SIGKILL)


async def killed_and_started(server: VaultServer) -> None:
    await asyncio.to_thread(server.stop, signal.SIGKILL)
    await asyncio.to_thread(server.start)


async def test_what_was_acknowledged_is_there_after_a_kill(server: VaultServer) -> None:
    vault, kept = server.vault(), list[str]()
    enough = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(1_000_000):
            name = f"{writer}-{number}"
            try:
                await vault.put(API_KEY, name, name.encode(), subject=f"subject-{writer}")
            except VaultUnavailable:
                return
            kept.append(name)
            if len(kept) >= 300:
                enough.set()

    writers = [asyncio.create_task(write(writer)) for writer in range(8)]
    await enough.wait()
    await asyncio.to_thread(server.stop, signal.SIGKILL)
    await asyncio.gather(*writers)
    await asyncio.to_thread(server.start)
    assert await vault.get_many(API_KEY, kept) == [name.encode() for name in kept]
    assert set(kept) <= set(await vault.entries(API_KEY))
    await vault.aclose()


class Deaf:
    """Passes everything on to the server, but kills that at its first answer to a write, which it keeps."""

    def __init__(self, server: VaultServer) -> None:
        self._server = server
        self._target = urlsplit(server.settings.vault_url.get_secret_value())
        self.killed = asyncio.Event()
        self.armed = False

    async def __aenter__(self) -> Vault:
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        url = SecretStr(f"redis://:{self._target.password}@127.0.0.1:{port}")
        return open_vault(self._server.settings.model_copy(update={"vault_url": url}))

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()

    async def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            answers, to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            to_client.close()
            return
        await asyncio.gather(self._pass(client, to_server), self._pass(answers, to_client, kill=True))

    async def _pass(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, kill: bool = False
    ) -> None:
        try:
            while data := await source.read(65536):
                if kill and self.armed and not self.killed.is_set():
                    await asyncio.to_thread(self._server.stop, signal.SIGKILL)
                    self.killed.set()
                    break
                to.write(data)
                await to.drain()
        except OSError:
            pass
        to.close()


async def test_a_kill_between_put_and_answer_loses_nothing_and_repeating_it_is_safe(
    server: VaultServer,
) -> None:
    proxy = Deaf(server)
    async with proxy as vault:
        await vault.put(LOGIN_SESSION, "s", b"one")  # the scripts are loaded, the connection is there
        proxy.armed = True
        with pytest.raises(VaultUnavailable, match="does not answer"):
            await vault.put(LOGIN_SESSION, "s", b"two", subject="ada")
        assert proxy.killed.is_set()
        await asyncio.to_thread(server.start)
        assert await vault.get(LOGIN_SESSION, "s") == b"two"
        assert await vault.put(LOGIN_SESSION, "s", b"two", subject="ada")
        assert await vault.forget("ada") == 1
        await vault.aclose()


async def test_forgetting_leaves_no_byte_in_any_file(server: VaultServer) -> None:
    vault = server.vault()
    sealed = await Sealer(vault).seal("ada", "email", "ada@example.org", create=True)
    await Sealer(vault).seal("eve", "email", "eve@example.org", create=True)
    wrapped: dict[str, list[bytes]] = {"ada": [], "eve": []}
    for name, found in wrapped.items():
        for version in (b"first", b"second"):  # what was replaced stands in the file, too
            await vault.put(PASSWORD, name, version, subject=name)
            found.append(await vault.redis.hget(f"e:password:{name}", "v"))
        await vault.put(LOGIN_SESSION, f"{name}-s", b"x" * 300, subject=name, expires_in_s=1000)
        await vault.swap(LOGIN_SESSION, f"{name}-s", b"x" * 300, b"y")
        for key in (f"e:login_session:{name}-s", f"e:subject_key:{name}"):
            found.append(await vault.redis.hget(key, "v"))
    assert all(server.holds(each) for name in wrapped for each in wrapped[name])
    assert server.holds(b"ada")
    assert await vault.forget("ada") == 3
    for _ in range(2):
        assert not any(server.holds(each) for each in wrapped["ada"])
        assert not server.holds(b"ada")
        assert all(server.holds(each) for each in wrapped["eve"][1:])
        assert await Sealer(vault).open("ada", "email", sealed) is None
        assert await vault.get(PASSWORD, "eve") == b"second"
        await killed_and_started(server)
    await vault.aclose()


async def test_forgetting_many_at_once_while_the_file_is_being_rewritten(server: VaultServer) -> None:
    vaults = [server.vault() for _ in range(3)]
    wrapped = []
    for number in range(12):
        await vaults[0].put(SUBJECT_KEY, f"s{number}", os.urandom(5000), subject=f"s{number}")
        wrapped.append(await vaults[0].redis.hget(f"e:subject_key:s{number}", "v"))
    await vaults[0].redis.bgrewriteaof()
    forgotten = await asyncio.gather(*(vaults[number % 3].forget(f"s{number}") for number in range(12)))
    assert forgotten == [1] * 12
    assert not any(server.holds(each) for each in wrapped)
    for vault in vaults:
        await vault.aclose()


async def test_forgetting_that_was_cut_off_is_ended_by_repeating_it(server: VaultServer) -> None:
    vault = server.vault()
    await vault.put(PASSWORD, "ada", b"hash", subject="ada")
    wrapped = await vault.redis.hget("e:password:ada", "v")
    await vault._forget(keys=["s:ada"])  # as far as a process came that was killed here
    await killed_and_started(server)
    assert server.holds(wrapped)
    assert await vault.forget("ada") == 0
    assert not server.holds(wrapped)
    await vault.aclose()


async def test_a_rewrite_that_does_not_end_is_told(
    server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault(server.vault().redis, server.kms(), rewrite_patience_s=0)
    await vault.put(PASSWORD, "ada", b"hash", subject="ada")
    info = vault.redis.info

    async def at_it(section: str) -> dict[str, object]:
        return await info(section) | {"aof_rewrite_in_progress": 1}

    monkeypatch.setattr(vault.redis, "info", at_it)
    with pytest.raises(VaultUnavailable, match="did not end rewriting its file within 0 s: try again"):
        await vault.forget("ada")
    await vault.aclose()


async def test_a_rewrite_that_a_crash_cut_off_leaves_no_file(server: VaultServer) -> None:
    await asyncio.to_thread(server.stop, signal.SIGKILL)
    leftover = server.data / "appendonlydir" / "temp-rewriteaof-bg-4711.aof"
    leftover.write_bytes(b"what was forgotten since")
    (server.data / "temp-rewriteaof-4711.aof").write_bytes(b"what was forgotten since")
    await asyncio.to_thread(server.start)
    assert not server.holds(b"what was forgotten since")


async def test_while_the_vault_is_down_it_says_so_and_goes_on_after(server: VaultServer) -> None:
    vault = server.vault()
    sealer = Sealer(vault)
    sealed = await sealer.seal("ada", "email", "ada@example.org", create=True)
    await asyncio.to_thread(server.stop, signal.SIGKILL)
    other = Sealer(vault)
    for act in (
        vault.ready(),
        vault.get(PASSWORD, "ada"),
        vault.forget("ada"),
        other.open("ada", "email", sealed),
    ):
        with pytest.raises(VaultUnavailable, match=r"The vault at 127\.0\.0\.1:\d+ does not answer"):
            await act
    await asyncio.to_thread(server.start)
    assert await other.open("ada", "email", sealed) == "ada@example.org"
    with pytest.raises(Tampered):
        await other.open("ada", "name", sealed)
    await vault.aclose()


async def test_a_key_file_made_readable_for_others_shuts_the_vault(server: VaultServer) -> None:
    vault = server.vault()
    await vault.put(PASSWORD, "ada", b"hash")
    server.settings.kms_path.chmod(0o644)
    with pytest.raises(VaultUnusable, match="can be read by others"):
        await vault.get(PASSWORD, "ada")
    with pytest.raises(VaultUnusable, match="can be read by others"):
        open_vault(server.settings)
    await vault.aclose()


_KILLED_WHILE_WRAPPING = """
import asyncio, os, signal
from streams.core.kms import LocalFileKms
from streams.core.settings import load_settings
from streams.core.vault import open_vault
from streams.core import vault_care

vault_care._BATCH = 5
left = 26
class Killed(LocalFileKms):
    def wrap(self, plain, aad):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().wrap(plain, aad)

async def main():
    settings = load_settings()
    vault = open_vault(settings)
    vault.kms = Killed(settings.kms_path)
    vault.kms.rotate()
    await vault_care.rewrap(vault)

asyncio.run(main())
"""


async def test_wrapping_anew_goes_on_after_a_kill(server: VaultServer) -> None:
    vault = server.vault()
    await asyncio.gather(*(vault.put(API_KEY, str(number), b"%d" % number) for number in range(40)))
    environment = {
        **os.environ,
        "KINOLOG_HOME": str(server.settings.kinolog_home),
        "VAULT_URL": server.settings.vault_url.get_secret_value(),
    }
    command = [sys.executable, "-c", _KILLED_WHILE_WRAPPING]
    done = await asyncio.to_thread(subprocess.run, command, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    found = await holding(vault)
    assert len(found.by_key) == 2
    done_before = found.by_key[vault.kms.active_key_id]
    assert 0 < done_before < 40
    await killed_and_started(server)
    assert await rewrap(vault) == 40 - done_before
    assert (await holding(vault)).by_key == {vault.kms.active_key_id: 40}
    server.kms().drop_retired(before_ms=2**60)
    assert await vault.get_many(API_KEY, ["0", "20", "39"]) == [b"0", b"20", b"39"]
    await vault.aclose()
