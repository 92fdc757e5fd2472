"""Brings the judges: npm packages by the lock beside this file, FFmpeg and SoftHSM from Debian where it may.

`python -m tests.judges.install` is what `make test-judges` runs; the npm part is also done by the tests
themselves when it is missing, so that `pytest tests/judges` works on any checkout.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE / "package-lock.json"
STAMP = HERE / "node_modules" / ".kinolog-stamp"
DEBIAN = {"ffmpeg": "ffmpeg", "softhsm2-util": "softhsm2"}  # program -> package


def program(name: str) -> str:
    """A program of this environment (set-up brings Node into it), else the system's."""
    own = Path(sys.executable).parent / name
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        raise AssertionError(f"no {name} program; `make setup` installs one into the environment")
    return found


def install_modules() -> None:
    """`npm ci` unless the installed modules are those of the lock; safe in several processes at once."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    with (HERE / ".npmrc").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if STAMP.is_file() and STAMP.read_text() == wanted:
            return
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run(
            [program("npm"), "ci"], cwd=HERE, env=os.environ | {"PATH": path}, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise AssertionError(f"the judges' npm packages could not be installed: {done.stderr[-2000:]}")
        STAMP.write_text(wanted)


def install_debian() -> None:
    """Debian's packages where this is root on a Debian; elsewhere their absence is said, with the remedy."""
    missing = sorted(package for name, package in DEBIAN.items() if shutil.which(name) is None)
    if not missing:
        return
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        raise SystemExit(
            f"The judges need {', '.join(missing)}: install it (Debian: apt-get install) and repeat."
        )
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        done = subprocess.run([apt, "-qq", *words], env=quiet, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"apt-get {words[0]} failed; the judges need {missing}:\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    install_modules()
    install_debian()
