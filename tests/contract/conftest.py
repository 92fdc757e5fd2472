"""The S3 servers that the contract is run against, each a process of its own that a test may kill."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from deploy.local import servers
from deploy.local.layout import Home
from deploy.local.ports import free_ports
from deploy.local.spec import ProcessSpec
from streams.core.objects import ObjectStore
from streams.core.settings import Settings
from tests.contract.second_server import second_server

ACCESS, SECRET = "KINOTESTACCESSKEY", "a-secret-of-the-contract-suite"
SERVERS = ("s3proxy", "second")


@dataclass
class RunningServer:
    """A server that can be killed and started again on the same data."""

    spec: ProcessSpec
    settings: Settings
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until the probe of the local stack finds it ready."""
        if self.spec.prepare is not None:
            self.spec.prepare()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.spec.command, stdout=log, stderr=log, cwd=self.spec.cwd, start_new_session=True
            )
        asyncio.run(self._ready())

    async def _ready(self) -> None:
        deadline = time.monotonic() + self.spec.start_timeout_s
        while True:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            try:
                return await self.spec.ready()
            except Exception:
                assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            await asyncio.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Signal it and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """One of the servers, with the bucket made."""
    home = Home(tmp_path_factory.mktemp(str(request.param)))
    home.create()
    ports = free_ports(["s3"])
    make = servers.s3 if request.param == "s3proxy" else second_server
    settings = Settings(
        s3_endpoint=f"http://127.0.0.1:{ports['s3']}", s3_access_key=ACCESS, s3_secret_key=SECRET
    )
    running = RunningServer(make(home, ports, ACCESS, SECRET), settings, home.logs / "server.log")
    running.start()
    try:
        asyncio.run(_make_bucket(settings))
        yield running
    finally:
        running.end()


async def _make_bucket(settings: Settings) -> None:
    async with ObjectStore(settings) as objects:
        await objects.ensure_bucket()
        await objects.ensure_bucket()  # a second time is no error


@pytest.fixture
async def objects(server: RunningServer) -> AsyncIterator[ObjectStore]:
    """Our client of the server."""
    async with ObjectStore(server.settings) as store:
        yield store


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who has an address and no keys."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session
