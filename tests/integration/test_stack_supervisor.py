"""The supervisor with small processes of our own: order, restarts, failures, groups, stop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy.local import state as states
from deploy.local.layout import CHECKOUT
from deploy.local.spec import NotReady, ProcessSpec, Spec, StepSpec
from deploy.local.state import State
from deploy.local.supervisor import StartFailed, Supervisor, last_words

IDLE = "import time\ntime.sleep(600)"
DEAF = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\ntime.sleep(600)"
)
# A child in the same group, and one that made a session of its own (as sandboxes do).
FAMILY = (
    "import subprocess, sys, time\n"
    "for own in (False, True):\n"
    "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=own)\n"
    "print('has children', flush=True)\ntime.sleep(600)"
)


async def at_once() -> None:
    """A probe that is content."""


def process(name: str, code: str = IDLE, **options: object) -> ProcessSpec:
    return ProcessSpec(name=name, command=[sys.executable, "-c", code], **{"ready": at_once, **options})  # type: ignore[arg-type]


def says(log: Path, text: str) -> Callable[[], object]:
    async def probe() -> None:
        if text not in await asyncio.to_thread(log.read_text):
            raise NotReady(f"{text!r} is not in the log")

    return probe


def supervisor(folder: Path, specs: list[Spec]) -> Supervisor:
    return Supervisor(specs, State(pid=os.getpid()), folder / "state.json", folder)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - nothing tells of a foreign process's state
            await asyncio.sleep(0.02)


async def test_everything_starts_after_what_it_needs(tmp_path: Path) -> None:
    order: list[str] = []

    def note(name: str) -> Callable[[], object]:
        async def probe() -> None:
            order.append(name)

        return probe

    specs: list[Spec] = [
        process("gateway", ready=note("gateway"), after=("step",)),
        StepSpec("step", note("step"), after=("server",)),  # type: ignore[arg-type]
        process("server", ready=note("server")),
    ]
    running = supervisor(tmp_path, specs)
    await running.start()
    assert order == ["server", "step", "gateway"]
    found = states.read(tmp_path / "state.json")
    assert found is not None
    assert (found.phase, {entry.status for entry in found.processes}) == ("ready", {"ready"})
    await running.stop()
    assert running.state.phase == "stopped"


WAITS = (
    "from deploy.local.go import wait_for_go\n"
    "print('loaded', flush=True)\nwait_for_go()\nprint('went on', flush=True)\n" + IDLE
)


async def test_a_process_loads_while_others_start_and_goes_on_when_told(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    early = asyncio.Event()

    async def step() -> None:
        await until(lambda: log.exists() and "loaded" in log.read_text())
        assert "went on" not in log.read_text()
        early.set()

    specs: list[Spec] = [
        process("worker", WAITS, go_after=("step",), cwd=CHECKOUT, ready=says(log, "went on")),
        StepSpec("step", step),
    ]
    running = supervisor(tmp_path, specs)
    await running.start()
    assert early.is_set()
    view = running.state.process("worker")
    os.kill(view.pid or 0, signal.SIGKILL)  # in its next life it need not wait
    await until(lambda: log.read_text().count("went on") == 2 and view.status == "ready")
    await running.halt("worker")
    await running.resume("worker")
    await until(lambda: log.read_text().count("went on") == 3)
    await running.stop()


def test_without_its_launcher_a_waiting_process_ends_and_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAITS],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert b"went on" not in done.stdout
    assert b"launcher" in done.stderr


async def test_a_process_that_dies_is_started_again(tmp_path: Path) -> None:
    running = supervisor(tmp_path, [process("one")])
    await running.start()
    view = running.state.process("one")
    first = view.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: view.status == "ready" and view.restarts == 1)
    assert view.pid != first
    await running.stop()
    assert not states.is_alive(view.pid, view.created_at)


async def test_a_process_that_cannot_be_started_again_at_once_is_tried_until_it_can(tmp_path: Path) -> None:
    failures = [OSError("no space left on device"), subprocess.CalledProcessError(1, "format")]
    starts = 0

    def prepare() -> None:
        nonlocal starts
        starts += 1
        if starts > 1 and failures:
            raise failures.pop()

    running = supervisor(tmp_path, [process("one", prepare=prepare)])
    await running.start()
    view = running.state.process("one")
    assert view.pid is not None
    os.kill(view.pid, signal.SIGKILL)
    await until(lambda: view.status == "ready" and starts == 4)
    assert failures == []
    await running.stop()


async def test_a_start_that_fails_says_why_in_the_processes_own_words(tmp_path: Path) -> None:
    async def never() -> None:
        raise NotReady("never")

    specs: list[Spec] = [
        process("ok"),
        process("broken", "raise SystemExit('the disk is full')", ready=never),
    ]
    running = supervisor(tmp_path, specs)
    with pytest.raises(ExceptionGroup) as failed:
        await running.start()
    reason = str(failed.value.exceptions[0])
    for word in ("broken", "code 1", "the disk is full", "broken.log"):
        assert word in reason
    await running.stop()
    assert all(
        child.process is None or child.process.returncode is not None for child in running.children.values()
    )


async def test_a_start_that_takes_too_long_says_what_it_waited_for(tmp_path: Path) -> None:
    async def never() -> None:
        raise NotReady("no brokers")

    running = supervisor(tmp_path, [process("slow", ready=never, start_timeout_s=0.3)])
    with pytest.raises(ExceptionGroup) as failed:
        await running.start()
    assert isinstance(failed.value.exceptions[0], StartFailed)
    assert "no brokers" in str(failed.value.exceptions[0])
    await running.stop()


async def test_stopping_leaves_no_descendant(tmp_path: Path) -> None:
    running = supervisor(
        tmp_path, [process("family", FAMILY, ready=says(tmp_path / "family.log", "has children"))]
    )
    await running.start()
    pid = running.state.process("family").pid
    assert pid is not None
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    assert len(family) == 3
    await running.stop()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


async def test_a_deaf_or_frozen_process_is_killed_after_its_grace(tmp_path: Path) -> None:
    specs: list[Spec] = [
        process("deaf", DEAF, ready=says(tmp_path / "deaf.log", "deaf"), stop_grace_s=0.2),
        process("frozen", stop_grace_s=5.0),
    ]
    running = supervisor(tmp_path, specs)
    await running.start()
    pids = [running.state.process(name).pid for name in ("deaf", "frozen")]
    os.kill(pids[1] or 0, signal.SIGSTOP)
    await running.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)


async def test_higher_tiers_stop_first(tmp_path: Path) -> None:
    specs: list[Spec] = [process("server"), process("gateway", tier=2), process("worker", tier=1)]
    running = supervisor(tmp_path, specs)
    await running.start()
    stopped: list[str] = []
    await running.stop(stopped.append)
    assert stopped == ["gateway", "worker", "server"]


async def test_halt_keeps_it_down_until_resume(tmp_path: Path) -> None:
    running = supervisor(tmp_path, [process("one")])
    await running.start()
    view = running.state.process("one")
    await running.halt("one", signal.SIGKILL)
    assert (view.status, view.pid, view.restarts) == ("stopped", None, 0)
    await running.resume("one")
    assert view.status == "ready"
    await running.resume("one")  # runs already
    await running.stop()


def test_what_a_killed_supervisor_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    with (
        psutil.Popen([sys.executable, "-c", IDLE], start_new_session=True) as ours,
        psutil.Popen([sys.executable, "-c", IDLE], start_new_session=True) as other,
    ):
        left = State(pid=2**22 + 1, created_at=0.0)  # a supervisor that is gone
        left.processes = [
            states.ProcessState("ours", "ready", ours.pid, ours.create_time()),
            # The pid was given to another process since.
            states.ProcessState("gone", "ready", other.pid, other.create_time() - 100),
        ]
        states.write(tmp_path / "state.json", left)
        assert states.end_leftovers(tmp_path / "state.json", grace_s=0.0) == ["ours"]
        assert ours.wait(60) is not None
        assert other.poll() is None
        other.kill()


def test_last_words_prefer_the_error() -> None:
    lines = ['{"level":"error","event":"no disk","exception":[]}', '{"level":"info","event":"bye"}', "plain"]
    assert last_words(lines) == "no disk"
    assert last_words(["--- one starts", "a", "b"]) == "a | b"
