"""The servers a chaos run kills, behind the same few verbs: the local stack's, or three cluster nodes."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from deploy.local import launcher
from deploy.local.ports import SERVER_PORTS, free_ports
from deploy.local.servers import valkey_binary

HERE = Path(__file__).resolve().parent
PATIENCE_S = 120.0  # of a busy machine


def map_of(folder: Path) -> dict[str, str]:
    """Environment that makes a process use the map and schemas of a test folder."""
    return {"TOPOLOGY_FILE": str(folder / "topology.yaml"), "SCHEMA_ROOT": str(folder / "schemas")}


@contextlib.contextmanager
def mapped_stack(home: Path, folder: Path = HERE) -> Iterator[launcher.Stack]:
    """Kafka, Redis, ClickHouse with the topics of the folder's map, on free ports."""
    wanted = map_of(folder)
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with launcher.local_stack(home, free_ports(SERVER_PORTS)) as stack:
            yield stack
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def cut_append_only_file(folder: Path, size: int) -> int:
    """A power loss, not just a kill: the end of the file is gone, in mid-command. Returns bytes lost."""
    path = max(glob.glob(str(folder / "appendonlydir" / "*.incr.aof")))
    length = os.path.getsize(path)
    lost = min(size, length // 2)
    os.truncate(path, length - lost)
    return lost


class Cluster:
    """Three Valkey nodes without persistence: one that is killed comes back empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = free_ports(["n0", "n1", "n2", "b0", "b1", "b2"])
        self.ports = [names["n0"], names["n1"], names["n2"]]
        self._bus = [names["b0"], names["b1"], names["b2"]]
        self._processes: list[subprocess.Popen[bytes] | None] = [None, None, None]

    def start(self) -> None:
        """Start the nodes, give each a third of the slots, wait until they agree."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for n in range(3):
            self._start(n)
        clients = [self._patient(n) for n in range(3)]
        borders = [0, 5461, 10923, 16384]
        for n, client in enumerate(clients):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", borders[n], borders[n + 1] - 1)
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.ports[0], self._bus[0])
        deadline = time.monotonic() + PATIENCE_S
        while any(self._state(client) != "ok" for client in clients):
            if time.monotonic() > deadline:
                raise RuntimeError("the three Valkey nodes did not agree on a cluster within 120 s")
            time.sleep(0.1)

    @staticmethod
    def _state(client: Any) -> str:
        text = client.execute_command("CLUSTER INFO")
        lines = text.decode().split() if isinstance(text, bytes) else [f"{k}:{v}" for k, v in text.items()]
        info = dict(line.split(":", 1) for line in lines)
        return info["cluster_state"] if info["cluster_known_nodes"] == "3" else "meeting"

    def _start(self, n: int) -> None:
        folder = self.folder / str(n)
        folder.mkdir(parents=True, exist_ok=True)
        command = [str(valkey_binary()), "--port", str(self.ports[n]), "--bind", "127.0.0.1", "--save", ""]
        command += ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"]
        command += ["--cluster-port", str(self._bus[n]), "--appendonly", "no", "--dir", str(folder)]
        with (folder / "log").open("ab") as log:
            self._processes[n] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _patient(self, n: int) -> Any:
        client = redis.Redis(port=self.ports[n])
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(redis.RedisError):
                client.ping()
                return client
            time.sleep(0.1)
        raise RuntimeError(f"Valkey node {n} does not answer: see {self.folder}/{n}/log")

    def restart_empty(self, n: int) -> None:
        """SIGKILL one node and start it again: its keys are gone."""
        self._kill(n)
        self._start(n)
        self._patient(n)

    def _kill(self, n: int) -> None:
        process = self._processes[n]
        if process is not None and process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        for n in range(3):
            self._kill(n)
