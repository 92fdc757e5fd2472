"""Builds versitygw, the second S3 server of the contract tests, from its hash-locked module list.

`python -m deploy.local.versitygw` builds it; about a minute, once per lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from deploy.local.layout import LOCKS, tools_dir

MODULE = LOCKS / "versitygw"
PACKAGE = "github.com/versity/versitygw/cmd/versitygw"


class BuildFailed(RuntimeError):
    """The binary could not be built; the text says why."""


def build() -> Path:
    """Path of the binary, built now unless one of this very lock is there. Raises BuildFailed."""
    digest = hashlib.sha256((MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()).hexdigest()
    binary = tools_dir() / "bin" / f"versitygw-{digest[:12]}"
    binary.parent.mkdir(parents=True, exist_ok=True)
    with (binary.parent / "versitygw.lock").open("w") as lock:  # xdist workers ask at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.is_file():
            sys.stderr.write("Building versitygw, the second S3 server of the tests (about a minute, once)\n")
            _go_build(binary)
    return binary


def _go_build(binary: Path) -> None:
    go = Path(sys.executable).parent / "go"
    staged = binary.with_suffix(".part")
    # The lock decides: no module outside go.sum, no other compiler fetched, no version control stamps.
    flags = "-mod=readonly -trimpath -buildvcs=false"
    environment = os.environ | {"GOFLAGS": flags, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    done = subprocess.run(
        [str(go), "build", "-ldflags=-s -w", "-o", str(staged), PACKAGE],
        cwd=MODULE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildFailed(
            f"{done.stderr.strip()[-1500:]}\n\nversitygw could not be built: check the network and run the "
            "same command again; a `checksum mismatch` means that a download was not the locked one."
        )
    staged.replace(binary)


def main() -> None:
    """One sentence and code 1 when it cannot be built."""
    try:
        build()
    except BuildFailed as failed:
        raise SystemExit(str(failed)) from None


if __name__ == "__main__":
    main()
