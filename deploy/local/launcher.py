"""Python's way to a local stack: `with local_stack(home, ports="free") as stack: stack.settings`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from deploy.local import control
from deploy.local import state as states
from deploy.local.credentials import load_credentials
from deploy.local.environment import platform_environment
from deploy.local.layout import CHECKOUT, Home
from deploy.local.ports import HOST, SERVER_PORTS, free_ports
from deploy.local.state import State

if TYPE_CHECKING:
    from streams.core.settings import Settings

POLL_S = 0.05
START_TIMEOUT_S = 300.0
# The supervisor stops its children within 11 s; then it is ended with everything it wrote down.
STOP_TIMEOUT_S = 11.8


class StackFailed(RuntimeError):
    """The stack did not start; the text is the sentence for the person who started it."""


@dataclass
class Stack:
    """A running stack. Cheap to make: another process may attach to the same home."""

    home: Home

    @property
    def state(self) -> State:
        """The supervisor's newest state file."""
        state = states.read(self.home.state_file)
        if state is None:
            raise StackFailed(f"No stack has run in {self.home.root}.")
        return state

    @property
    def ports(self) -> dict[str, int]:
        """Port of every server and service by name."""
        return self.state.ports

    @property
    def credentials(self) -> dict[str, str]:
        """Secrets of the home, e.g. `admin_api_key`."""
        return load_credentials(self.home)

    @property
    def env(self) -> dict[str, str]:
        """Environment that makes a process use this stack."""
        return platform_environment(self.home, self.ports, self.credentials)

    @property
    def settings(self) -> Settings:
        """The platform's settings for this stack, built from `env` alone."""
        from streams.core.settings import Settings

        return Settings(**{name.lower(): value for name, value in self.env.items()})

    def url(self, service: str) -> str:
        """Base URL of a service (`streaming`) or of its metrics port (`streaming_metrics`)."""
        return f"http://{HOST}:{self.ports[service]}"

    def pid(self, name: str) -> int:
        """Process id of `kafka`, `redis`, `clickhouse`, `s3`, `gateway-…`, `worker-…`; it leads its group."""
        pid = self.state.process(name).pid
        if pid is None:
            raise StackFailed(f"{name} does not run now.")
        return pid

    def halt(self, name: str) -> None:
        """Stop one process gently and leave it stopped."""
        control.send(self.state.control, "halt", name)

    def kill(self, name: str) -> None:
        """SIGKILL one process and leave it stopped, so that a test can spoil its files."""
        control.send(self.state.control, "kill", name)

    def resume(self, name: str) -> None:
        """Start a halted or killed process; returns when it is ready (at once if it runs)."""
        control.send(self.state.control, "resume", name)

    def restart(self, name: str) -> None:
        """SIGKILL, start, ready."""
        self.kill(name)
        self.resume(name)


def start(
    home: Path,
    ports: Mapping[str, int],
    *,
    platform: bool = True,
    watch: int | None = None,
    progress: Callable[[State], None] = lambda _state: None,
) -> Stack:
    """Start the supervisor and wait until all is ready; `progress` gets every new state.

    With `watch`, the stack ends with that process. Raises StackFailed; nothing is then left running.
    """
    place = Home(home.resolve())
    place.create()
    command = [sys.executable, "-m", "deploy.local", str(place.root), json.dumps(dict(ports))]
    command += [] if platform else ["--servers-only"]
    command += ["--watch", str(watch)] if watch is not None else []
    with (place.logs / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(
            command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_ready(place, supervisor, progress)
    except BaseException:
        stop(place, supervisor)
        raise
    return Stack(place)


def _wait_until_ready(
    home: Home, supervisor: subprocess.Popen[bytes], progress: Callable[[State], None]
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        code = supervisor.poll()
        state = states.read(home.state_file)
        if state is not None and state.pid == supervisor.pid:
            progress(state)
            if state.phase == "ready":
                return
            if code is not None or state.phase == "failed":
                raise StackFailed(state.error or f"The supervisor ended: see {home.logs / 'supervisor.log'}.")
        elif code == 3:
            raise StackFailed(f"A stack already runs in {home.root}: `kinolog down` ends it.")
        elif code is not None:
            raise StackFailed(f"The supervisor ended with code {code}: see {home.logs / 'supervisor.log'}.")
        time.sleep(POLL_S)
    raise StackFailed(f"The stack was not ready within {START_TIMEOUT_S:.0f} s: see {home.logs}.")


def stop(home: Home, supervisor: subprocess.Popen[bytes] | None = None) -> bool:
    """Stop the stack of a home and everything it left; True if something ran. Takes at most 12 s."""
    state = states.running(home.state_file)
    if state is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.pid, signal.SIGTERM)
    elif supervisor is not None and supervisor.poll() is None:
        supervisor.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while time.monotonic() < deadline:
        if supervisor is not None and supervisor.poll() is None:
            pass
        elif state is None or not states.is_alive(state.pid, state.created_at):
            break
        time.sleep(POLL_S)
    if state is not None and states.is_alive(state.pid, state.created_at):
        states.signal_group(state.pid, signal.SIGKILL)
    if supervisor is not None and supervisor.poll() is None:
        supervisor.kill()
    if supervisor is not None:
        supervisor.wait()
    return bool(states.end_leftovers(home.state_file, grace_s=0.0)) or state is not None


@contextlib.contextmanager
def local_stack(
    home: Path,
    ports: Literal["free"] | Mapping[str, int] = "free",
    *,
    platform: bool = False,
    watch: int | None = None,
) -> Iterator[Stack]:
    """A stack for the length of a block: servers, buckets and topics, with `platform` the services too."""
    if ports == "free":
        from deploy.local.stack import service_ports
        from schemas.catalog import load_topology

        ports = free_ports([*SERVER_PORTS, *service_ports(load_topology())])
    started = start(home, ports, platform=platform, watch=watch or os.getpid())
    try:
        yield started
    finally:
        stop(started.home)
