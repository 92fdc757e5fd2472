"""The processes of our own that a chaos run kills, freezes and starts again: gateways and workers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local.layout import CHECKOUT

RESTART_S = 0.3


class Crew:
    """Keeps its processes running; ends only what it started, by pid."""

    def __init__(self, env: Mapping[str, str], logs: Path, say: Callable[[str], None]) -> None:
        self._env = {**os.environ, **env}
        self._logs, self._say = logs, say
        self._commands: dict[str, list[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._frozen: set[str] = set()
        self.kills: Counter[str] = Counter()
        self.exits: Counter[str] = Counter()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process and from now on keep it running."""
        self._commands[name] = [sys.executable, *command]
        self._spawn(name)

    def _spawn(self, name: str) -> None:
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._commands[name], cwd=CHECKOUT, env=self._env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    async def once(self, command: Sequence[str]) -> tuple[int, str]:
        """Run a command of ours to its end; (status, what it printed)."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=CHECKOUT, env=self._env, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode(errors="replace")[-2000:]

    def names(self) -> list[str]:
        return [name for name in self._commands if name not in self._frozen]

    def kill(self, name: str) -> None:
        """SIGKILL; `keep` starts it again."""
        process = self._running[name]
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            self.kills[name] += 1

    def dismiss(self, name: str) -> None:
        """Ask it to stop, for good."""
        del self._commands[name]
        self._running[name].terminate()

    async def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after `seconds`: it wakes up as a zombie of its session."""
        self._frozen.add(name)
        while (process := self._running[name]).poll() is not None:  # noqa: ASYNC110  # it comes back
            await asyncio.sleep(RESTART_S)
        os.kill(process.pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGCONT)
        self._frozen.discard(name)

    async def keep(self) -> None:
        """Start again whatever ended; until cancelled."""
        while True:
            await asyncio.sleep(RESTART_S)
            for name, process in list(self._running.items()):
                if process.poll() is None:
                    continue
                if name not in self._commands:
                    del self._running[name]
                    continue
                if process.returncode != -signal.SIGKILL:
                    self.exits[name] += 1
                    self._say(f"{name} ended with {process.returncode}")
                self._spawn(name)

    def stop(self) -> None:
        self._commands.clear()
        for process in self._running.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
        deadline = time.monotonic() + 4
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
