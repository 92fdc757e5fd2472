"""A worker of a test's own, beside a stack that runs none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.local.launcher import Stack
from deploy.local.layout import CHECKOUT


class Worker:
    """A process of one app of the map, to be killed."""

    def __init__(self, stack: Stack, folder: Path, app: str, **env: str) -> None:
        self._env = {**os.environ, **stack.env, **env}
        self._log, self._app = folder / f"worker-{app}.log", app
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy.cli", "worker", self._app],
                cwd=CHECKOUT, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """At once, whatever it is doing."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
