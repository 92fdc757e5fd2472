"""What a program may do that was left one file to run and one folder to work in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.media.confined import UNCONFINED, Order

_SCRIPT = """
import errno, json, os, socket, sys
from streams.media import sandbox
folder, outside = sys.argv[1:]
assert sandbox.confine_to("/bin/true", folder)
def write(path):
    with open(path, "w") as file:
        file.write("x")
attempts = {
    "inside": lambda: write(folder + "/made"),
    "read": lambda: open(outside).read(),
    "write": lambda: write(outside),
    "list": lambda: os.listdir("/"),
    "leave": lambda: os.link(folder + "/made", outside + "2"),
    "tcp": lambda: socket.socket(),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "signal": lambda: os.kill(os.getppid(), 0),
    "run": lambda: os.posix_spawn("/bin/sh", ["sh"], {}),
}
def said(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
print(json.dumps({name: said(attempt) for name, attempt in attempts.items()}))
"""


def test_one_folder_and_nothing_else(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.write_text("a secret")
    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT, folder, outside], check=True, capture_output=True, timeout=60
    )
    said = json.loads(ran.stdout)
    refused = {"read", "write", "list", "leave", "tcp", "unix", "signal", "run"}
    assert {name for name, answer in said.items() if answer in ("EACCES", "EPERM", "EXDEV")} == refused
    assert said["inside"] == "done"
    assert outside.read_text() == "a secret"
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "outside"}


_OLD_KERNEL = """
from streams.media import confined, sandbox
sandbox.landlock_version = lambda: 0
confined.main()
"""


@pytest.mark.parametrize(("allowed", "status"), [(False, UNCONFINED), (True, 0)])
def test_without_landlock_it_runs_only_if_told_to(tmp_path: Path, allowed: bool, status: int) -> None:
    made = tmp_path / "made"
    order: Order = {
        "program": "/bin/sh", "folder": str(tmp_path), "runs": [["-c", f": > {made}"]], "largest_bytes": 100,
        "descriptors": 0, "allow_unconfined": allowed, "parent": os.getpid(),
    }  # fmt: skip
    command = [sys.executable, "-c", _OLD_KERNEL]
    ran = subprocess.run(command, input=json.dumps(order).encode(), timeout=60, check=False)
    assert ran.returncode == status
    assert made.exists() is allowed
