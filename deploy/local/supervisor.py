"""Runs the stack: starts in dependency order, restarts what dies, stops in reverse order.

One process per stack, in a session of its own. It says everything in the state file and takes orders on a
socket (`control.py`). Every child is the leader of its own process group; only those groups are ever ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from deploy.local import state as states
from deploy.local.go import GO
from deploy.local.spec import ProcessSpec, Spec, StepSpec
from deploy.local.state import ProcessState, State, signal_group

PROBE_PAUSE_S = 0.1
# The whole stop fits in this; what is left then gets SIGKILL.
STOP_WITHIN_S = 11.0
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 15.0
# So long after a state file that could not be written, it is tried again.
STATE_RETRY_S = 2.0
# A process that lived this long starts its back-off anew.
STABLE_AFTER_S = 60.0
_STEP_TIMEOUT_S = 240.0


class StartFailed(RuntimeError):
    """A process or step did not become ready; the sentence says which, why, and where its log is."""


class Child:
    """One process spec, its current process and its state."""

    def __init__(self, spec: ProcessSpec, view: ProcessState, logs: Path, base_env: dict[str, str]) -> None:
        self.spec, self.view = spec, view
        self.log = logs / f"{spec.name}.log"
        self._env = base_env | spec.env
        self.process: asyncio.subprocess.Process | None = None
        self.wanted = True
        self.became_ready = asyncio.Event()

    async def spawn(self) -> None:
        """Start the process as the leader of its own session and group, output to its log."""
        if self.spec.prepare is not None:
            await asyncio.to_thread(self.spec.prepare)
        with self.log.open("ab") as log:
            log.write(f"--- {time.strftime('%Y-%m-%dT%H:%M:%S')} {self.spec.name} starts\n".encode())
            log.flush()
            self.process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                stdin=asyncio.subprocess.PIPE if self.spec.go_after else asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self.spec.cwd,
                start_new_session=True,
            )
        self.view.pid = self.process.pid
        with contextlib.suppress(psutil.Error):
            self.view.created_at = psutil.Process(self.process.pid).create_time()

    def go(self) -> None:
        """Tell a process that loads its code meanwhile that everything it needs is there."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.write(GO)
            self.process.stdin.close()

    async def wait_ready(self) -> None:
        """Probe until it serves. Raises StartFailed when it ends first or takes too long."""
        assert self.process is not None
        name, limit_s = self.spec.name, self.spec.start_timeout_s
        deadline = time.monotonic() + limit_s
        while True:
            if self.process.returncode is not None:
                code = self.process.returncode
                raise StartFailed(f"{name} ended with code {code} while starting: {self._last_words()}")
            try:
                await self.spec.ready()
                return
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
            if time.monotonic() >= deadline:
                raise StartFailed(
                    f"{name} was not ready within {limit_s:.0f} s ({reason[:300]}): see {self.log}"
                )
            await asyncio.sleep(PROBE_PAUSE_S)

    async def stop(self, grace_s: float) -> None:
        """SIGTERM to the group, then SIGKILL to what is left of it and of its descendants."""
        if self.process is None or self.process.returncode is not None:
            return
        family = _family(self.process.pid)
        signal_group(self.process.pid, signal.SIGTERM)
        # A stopped (frozen) process cannot hear SIGTERM.
        signal_group(self.process.pid, signal.SIGCONT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), grace_s)
        signal_group(self.process.pid, signal.SIGKILL)
        for member in family:
            with contextlib.suppress(psutil.Error):
                member.kill()
        await self.process.wait()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            words = last_words(self.log.read_text(errors="replace").splitlines())
            return f"{words[:400]} (all of it in {self.log})"
        return f"see {self.log}"


def last_words(lines: Sequence[str]) -> str:
    """What a person should read of a log whose process died: its last error, else its last lines."""
    error = ""
    for line in lines:
        with contextlib.suppress(ValueError, AttributeError):
            entry = json.loads(line)
            if entry.get("level") in ("error", "critical") and (not error or "exception" in entry):
                error = str(entry.get("event", ""))
    return error or " | ".join([line for line in lines if line.strip() and not line.startswith("---")][-3:])


def _family(pid: int) -> list[psutil.Process]:
    """Descendants that made sessions of their own (sandboxes) and so are not in the group."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


class Supervisor:
    """Brings the specs up and keeps them up until `stop` is asked for."""

    def __init__(self, specs: Sequence[Spec], state: State, state_file: Path, logs: Path) -> None:
        self.state, self._file = state, state_file
        state.processes = [ProcessState(spec.name) for spec in specs]
        self._steps = {spec.name: spec for spec in specs if isinstance(spec, StepSpec)}
        self.children = {
            spec.name: Child(spec, state.process(spec.name), logs, dict(os.environ))
            for spec in specs
            if isinstance(spec, ProcessSpec)
        }
        self._after = {spec.name: spec.after for spec in specs}
        self._done = {spec.name: asyncio.Event() for spec in specs}
        self._started = time.monotonic()
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._rewrite: asyncio.TimerHandle | None = None

    def publish(self) -> None:
        """Write the state file; one that cannot be written (a full disk) is tried again, and ends nothing."""
        try:
            states.write(self._file, self.state)
        except OSError as error:
            if self._rewrite is None:
                with contextlib.suppress(OSError):  # the log may lie on the same full disk
                    sys.stderr.write(f"{self._file} cannot be written, tried again until it can: {error}\n")
                    sys.stderr.flush()
                self._rewrite = asyncio.get_running_loop().call_later(STATE_RETRY_S, self._publish_again)

    def _publish_again(self) -> None:
        self._rewrite = None
        self.publish()

    async def start(self) -> None:
        """Start everything; returns when all is ready. Raises StartFailed at the first failure.

        OSError if the state file cannot be written at all: nobody could ever end this stack.
        """
        states.write(self._file, self.state)
        async with asyncio.TaskGroup() as group:
            for name in self._done:
                group.create_task(self._bring_up(name))
        self.state.phase = "ready"
        self.state.ready_after_s = round(time.monotonic() - self._started, 2)
        self.publish()

    async def _bring_up(self, name: str) -> None:
        for needed in self._after[name]:
            await self._done[needed].wait()
        view, began = self.state.process(name), time.monotonic()
        view.status = "starting"
        self.publish()
        if name in self._steps:
            try:
                await asyncio.wait_for(self._steps[name].run(), _STEP_TIMEOUT_S)
            except Exception as error:
                raise StartFailed(f"{name} failed: {error or type(error).__name__}") from error
        else:
            child = self.children[name]
            await child.spawn()
            self.publish()
            for needed in child.spec.go_after:
                await self._done[needed].wait()
            child.go()
            await child.wait_ready()
            child.became_ready.set()
            self._keepers[name] = asyncio.create_task(self._keep(child))
        view.status, view.ready_after_s = "ready", round(time.monotonic() - began, 2)
        self.publish()
        self._done[name].set()

    async def _keep(self, child: Child) -> None:
        """Restart a process whenever it ends unasked, with growing pauses."""
        backoff_s, view = FIRST_BACKOFF_S, child.view
        while True:
            assert child.process is not None
            began = time.monotonic()
            if not child.became_ready.is_set():
                with contextlib.suppress(StartFailed):
                    await child.wait_ready()
                    child.became_ready.set()
                    view.status = "ready"
                    self.publish()
            code = await child.process.wait()
            child.became_ready.clear()
            # What it left in its group (a JVM's or sandbox's children) must not hold its port or files.
            signal_group(child.process.pid, signal.SIGKILL)
            if not child.wanted:
                view.status, view.pid = "stopped", None
                self.publish()
                return
            if time.monotonic() - began > STABLE_AFTER_S:
                backoff_s = FIRST_BACKOFF_S
            view.status, view.detail, view.pid = "backoff", f"ended with code {code}", None
            view.restarts += 1
            self.publish()
            while True:
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)
                if not child.wanted:
                    view.status = "stopped"
                    self.publish()
                    return
                if await self._spawned(child):
                    break

    async def _spawned(self, child: Child) -> bool:
        """Start it; False if it cannot be now: a full disk must not end the keeping of a process for good."""
        child.view.status = "starting"
        try:
            await child.spawn()
            child.go()
        except (OSError, subprocess.CalledProcessError) as error:
            child.view.status, child.view.detail = "backoff", f"cannot be started: {error}"
        self.publish()
        return child.view.status == "starting"

    async def halt(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop one process and leave it stopped until `resume` (for maintenance and chaos tests)."""
        child = self.children[name]
        child.wanted = False
        if number is signal.SIGKILL and child.process is not None:
            signal_group(child.process.pid, signal.SIGKILL)
        await child.stop(child.spec.stop_grace_s)
        await self._keepers[name]

    async def resume(self, name: str) -> None:
        """Start a halted process again and wait until it is ready."""
        child = self.children[name]
        if child.wanted:
            await child.became_ready.wait()
            return
        child.wanted = True
        child.view.status = "starting"
        await child.spawn()
        child.go()
        self.publish()
        await child.wait_ready()
        child.became_ready.set()
        child.view.status = "ready"
        self.publish()
        self._keepers[name] = asyncio.create_task(self._keep(child))

    async def stop(self, tell: Callable[[str], None] = lambda _name: None) -> None:
        """Stop all: higher tiers first, a tier together; within STOP_WITHIN_S, whatever happens."""
        self.state.phase = "stopping"
        for keeper in self._keepers.values():
            keeper.cancel()
        deadline = time.monotonic() + STOP_WITHIN_S
        for tier in sorted({child.spec.tier for child in self.children.values()}, reverse=True):
            together = [child for child in self.children.values() if child.spec.tier == tier]
            for child in together:
                child.wanted, child.view.status = False, "stopping"
            self.publish()
            left_s = max(0.0, deadline - time.monotonic())
            await asyncio.gather(*(child.stop(min(child.spec.stop_grace_s, left_s)) for child in together))
            for child in together:
                child.view.status, child.view.pid = "stopped", None
                tell(child.spec.name)
        self.state.phase = "stopped"
        self.publish()
        if self._rewrite is not None:
            self._rewrite.cancel()
