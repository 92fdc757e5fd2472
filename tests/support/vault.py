"""The vault's server as the local stack configures it, for tests that need nothing else of the stack."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from pathlib import Path

from pydantic import SecretStr

from deploy.local import servers
from deploy.local.layout import Home
from deploy.local.ports import HOST, free_ports
from streams.core.clients import vault_client
from streams.core.kms import LocalFileKms
from streams.core.settings import Settings
from streams.core.vault import Vault

PASSWORD = "the-vault-of-a-test"
PATIENCE_S = 60.0


class VaultServer:
    """A server in a folder of its own; `start` returns when it answers."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.home.create()
        ports = free_ports(["vault"])
        self.spec = servers.vault(self.home, ports, PASSWORD)
        self.settings = Settings(
            kinolog_home=folder, vault_url=SecretStr(f"redis://:{PASSWORD}@{HOST}:{ports['vault']}")
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.home.data("vault")

    def start(self) -> None:
        assert self.spec.prepare is not None
        self.spec.prepare()
        self._process = subprocess.Popen(self.spec.command, stdout=subprocess.DEVNULL)
        asyncio.run(self._answers())

    async def _answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await self.spec.ready()
            except Exception:
                assert self._process is not None
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                await asyncio.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, by default in order; SIGKILL is the other way."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_S)
            self._process = None

    def vault(self) -> Vault:
        """A client of its own, with the keys in the folder."""
        return Vault(vault_client(self.settings), self.kms(), rewrite_patience_s=PATIENCE_S)

    def kms(self) -> LocalFileKms:
        """The keys in the folder."""
        return LocalFileKms(self.settings.kms_path)

    def holds(self, searched: bytes) -> bool:
        """Whether these bytes stand anywhere in its files."""
        return any(searched in path.read_bytes() for path in self.data.rglob("*") if path.is_file())
