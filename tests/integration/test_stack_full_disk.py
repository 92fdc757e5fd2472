"""A disk that is full for a while: what dies meanwhile comes back, and the state file is true again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from deploy.local import state as states
from deploy.local import supervisor as supervising
from deploy.local.state import State
from tests.integration.test_stack_supervisor import process, supervisor, until


async def test_a_state_file_that_cannot_be_written_ends_no_keeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = supervisor(tmp_path, [process("one"), process("two")])
    await running.start()
    write, full = states.write, True
    tries = 0

    def on_a_full_disk(path: Path, state: State) -> None:
        nonlocal tries
        tries += 1
        if full:
            raise OSError(28, "No space left on device")
        write(path, state)

    monkeypatch.setattr(states, "write", on_a_full_disk)
    monkeypatch.setattr(supervising, "STATE_RETRY_S", 0.05)
    view = running.state.process("one")
    first = view.pid
    os.kill(first or 0, signal.SIGKILL)
    await until(lambda: view.restarts == 1 and view.status == "ready" and tries > 5)
    assert view.pid not in (None, first)
    assert "No space left on device" in capsys.readouterr().err
    full = False
    found = tmp_path / "state.json"
    await until(lambda: (read := states.read(found)) is not None and read.process("one").pid == view.pid)
    await running.stop()
    assert (last := states.read(found)) is not None
    assert last.phase == "stopped"


async def test_a_stack_whose_state_can_never_be_written_does_not_start(tmp_path: Path) -> None:
    running = supervisor(tmp_path, [process("one")])
    (tmp_path / "state.new").mkdir()
    with pytest.raises(OSError, match="state"):
        await running.start()
    assert running.children["one"].process is None
