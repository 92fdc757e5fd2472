"""A process that ends itself does so at once, with the status that its supervisor knows, and says why."""

from __future__ import annotations

import subprocess
import sys

from streams.core import producer
from streams.core.ending import ENDED, end_process

PROGRAM = """
import atexit
from streams.core.ending import end_process
atexit.register(print, "shut down")
end_process("the fence went back", partition=3)
"""


def test_it_says_why_and_leaves_without_a_shutdown() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == ENDED == 70
    assert "the fence went back" in done.stdout + done.stderr
    assert "shut down" not in done.stdout


def test_producers_end_the_process_in_the_same_way() -> None:
    assert producer.end_process is end_process
