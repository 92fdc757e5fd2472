"""The commands that a person uses, on a home and ports of their own: up, status, doctor, down, run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local import launcher
from deploy.local import state as states
from deploy.local.layout import Home
from deploy.local.ports import SERVER_PORTS, free_ports, setting_name
from deploy.local.stack import service_ports
from deploy.local.state import State
from schemas.catalog import load_topology

PATIENCE_S = 400  # `up` says after 300 s what it waited for


class Person:
    """Somebody at a terminal with `kinolog`."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.ports = free_ports([*SERVER_PORTS, *service_ports(load_topology())])
        self.env = os.environ | {"KINOLOG_HOME": str(self.home.root), "TERM": "dumb"}
        self.env |= {setting_name(name): str(port) for name, port in self.ports.items()}

    def types(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        command = [sys.executable, "-m", "deploy.cli", *words]
        return subprocess.run(
            command, env=self.env | more, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def starts(self, *words: str) -> subprocess.Popen[str]:
        """Run a command that stays up, and hears Ctrl-C: what a shell put into the background does not."""
        command = [sys.executable, "-m", "deploy.cli", *words]
        return subprocess.Popen(
            command,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def all_processes(self) -> list[psutil.Process]:
        """The supervisor, its processes and all their descendants."""
        state = states.read(self.home.state_file)
        assert state is not None
        leaders = [state.pid, *(entry.pid for entry in state.processes if entry.pid)]
        found = [psutil.Process(pid) for pid in leaders]
        return found + [child for leader in found for child in leader.children(recursive=True)]


def still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that live; a zombie has ended, whenever its parent takes notice."""
    _, left = psutil.wait_procs(processes, timeout=20)
    return [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    made = Person(tmp_path)
    yield made
    made.types("down")


def test_up_status_doctor_down(person: Person) -> None:
    assert person.types("status").returncode == 1
    up = person.types("up", "--json")
    assert up.returncode == 0, up.stderr
    told = json.loads(up.stdout)
    assert told["phase"] == "ready"
    assert told["addresses"]["streaming"] == f"http://127.0.0.1:{person.ports['streaming']}"
    status = person.types("status", "--json")
    assert (status.returncode, json.loads(status.stdout)["pid"]) == (0, told["pid"])
    doctor = person.types("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(doctor.stdout)["checks"]}
    assert [check for check in checks.values() if not check["ok"]] == []
    for name in ("kafka", "topics", "redis", "clickhouse", "s3", "service streaming", "worker-media", "disk"):
        assert name in checks
    again = person.types("up", "--json")  # runs already: left alone
    assert json.loads(again.stdout)["pid"] == told["pid"]
    everything = person.all_processes()
    down = person.types("down")
    assert "nothing left running" in down.stderr
    assert still_running(everything) == []
    assert "No stack runs" in person.types("down").stdout


def test_down_ends_what_a_killed_supervisor_left(person: Person) -> None:
    launcher.start(person.home.root, person.ports, platform=False)
    everything = person.all_processes()
    state = states.read(person.home.state_file)
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    assert person.types("status").returncode == 1
    person.types("down")
    assert still_running(everything) == []


def test_ctrl_c_on_run_stops_all_and_leaves_nothing(person: Person) -> None:
    run = person.starts("run", "--no-sample")
    assert run.stdout is not None
    lines = []
    for line in run.stdout:
        lines.append(line)
        if "Ctrl-C stops everything" in line:
            break
    assert "Ctrl-C" in lines[-1], "".join(lines)
    everything = person.all_processes()
    run.send_signal(signal.SIGINT)
    # 12 s is the promise; the rest is for a machine that is busy with other tests.
    run.wait(timeout=120)
    assert still_running(everything) == []


def test_a_port_in_use_is_told_before_anything_starts(person: Person) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", person.ports["redis"]))
        listener.listen()
        up = person.types("up", KINOLOG_MIN_MEMORY_MB=str(10**9))
    assert up.returncode == 1
    for word in (
        f"Port {person.ports['redis']} is in use",
        f"pid {os.getpid()}",
        "REDIS_PORT",
        "of memory are free",
    ):
        assert word in up.stderr
    assert "Traceback" not in up.stderr
    assert not person.home.state_file.exists()
    assert not list(person.home.logs.iterdir())


def test_a_server_that_cannot_start_ends_the_others(person: Person) -> None:
    person.home.create()
    # A file where the server wants its folder.
    person.home.data("s3").write_text("in the way")
    up = person.types("up")
    assert up.returncode == 1
    assert "s3" in up.stderr
    state: State | None = states.read(person.home.state_file)
    assert state is not None
    assert state.phase == "failed"
    assert not any(states.is_alive(entry.pid, entry.created_at) for entry in state.processes)
