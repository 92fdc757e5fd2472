"""What the local stack costs a developer: seconds until it is up, megabytes while it idles."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from deploy.local import state as states
from deploy.local.layout import CHECKOUT, Home
from deploy.local.ports import SERVER_PORTS, free_ports, setting_name
from deploy.local.stack import service_ports
from schemas.catalog import load_topology
from tests.bench.harness import OURS, Bench, Goal

SETTLED_AFTER_S = 10.0  # first pages are loaded, groups joined, tables made
TIMEOUT_S = 240.0


def benches() -> list[Bench]:
    """No stack of somebody else is like ours, so there is no peer.

    `stack.cold_s`: `kinolog up` in a home that does not exist, from the command to its return: credentials,
    Kafka's format, bucket, database, topics, tables. The set-up of packages and jars is done and excluded:
    it is mostly the network's.
    `stack.warm_s`: the same in a home that ran before and was stopped.
    `stack.idle_mb`: memory of all processes of a settled stack without work, supervisor included, in
    10^6 bytes. Pages that several share count once (proportional set size).
    """
    starts = Starts()
    return [
        Bench("stack.cold_s", "s", True, {OURS: starts.cold_s}),
        Bench("stack.warm_s", "s", True, {OURS: starts.warm_s}, [Goal("", 15.0)]),
        Bench("stack.idle_mb", "MB", True, {OURS: starts.idle_mb}),
    ]


class Starts:
    """Starts and stops stacks in folders of its own, on free ports; leaves none running."""

    def cold_s(self) -> float:
        home = self._folder / "cold"
        try:
            return self._up(home)
        finally:
            self._down(home)
            shutil.rmtree(home)

    def warm_s(self) -> float:
        try:
            return self._up(self._warm_home)
        finally:
            self._down(self._warm_home)

    def idle_mb(self) -> float:
        home = self._warm_home
        try:
            self._up(home)
            time.sleep(SETTLED_AFTER_S)
            return memory_mb(Home(home))
        finally:
            self._down(home)

    @functools.cached_property
    def _held(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="kinolog-bench-stack-")  # removed with the process

    @property
    def _folder(self) -> Path:
        return Path(self._held.name)

    @functools.cached_property
    def _warm_home(self) -> Path:
        """A home that ran once."""
        home = self._folder / "warm"
        try:
            self._up(home)
        finally:
            self._down(home)
        return home

    def _up(self, home: Path) -> float:
        ports = free_ports([*SERVER_PORTS, *service_ports(load_topology())])
        moved = {setting_name(name): str(port) for name, port in ports.items()}
        began = time.monotonic()
        self._kinolog("up", home, moved)
        return time.monotonic() - began

    def _down(self, home: Path) -> None:
        self._kinolog("down", home, {})

    def _kinolog(self, command: str, home: Path, environment: dict[str, str]) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", command],
            cwd=CHECKOUT,
            env={**os.environ, **environment, "KINOLOG_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        if done.returncode:
            raise RuntimeError(f"kinolog {command} ended with {done.returncode}: {done.stderr[-500:]}")


def memory_mb(home: Home) -> float:
    """Proportional set size of a running stack's processes and their descendants, 10^6 bytes."""
    state = states.running(home.state_file)
    if state is None:
        raise RuntimeError(f"no stack runs in {home.root}")
    supervisor = psutil.Process(state.pid)
    family = [supervisor, *supervisor.children(recursive=True)]
    return sum(process.memory_full_info().pss for process in family) / 1e6
