"""Set-up of a checkout from locked lists, run by any Python 3.11+ before anything is installed.

Standard library only. Steps whose list has not changed since they last succeeded are passed over:
environment, uv, Python packages, the project, then jars and page modules side by side, at last archives of
the Java servers' classes. Every package is refused when its hash is not the locked one. `--bench` makes
the environment of the benches' peers.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = CHECKOUT / "deploy" / "locks"
WEB = CHECKOUT / "gateways" / "web"
SOCKETIO = CHECKOUT / "tests" / "bench" / "peers" / "socketio"
OLDEST = (3, 11)
# The wheels, jars and modules take 2 GB unpacked; uv and npm keep copies in their caches.
NEEDED_DISK_BYTES = 4 * 1024**3


class SetupFailed(Exception):
    """One sentence for the person at the terminal."""


class Step:
    """Something to do once per content of its inputs; the stamp lies with what the step made."""

    def __init__(self, name: str, stamp: Path, inputs: list[Path], work: Callable[[], None]) -> None:
        self.name, self.stamp, self._inputs, self._work = name, stamp, inputs, work

    def fingerprint(self) -> str:
        """Hash over the inputs and the interpreter: another Python needs other wheels."""
        digest = hashlib.sha256(f"{sys.version_info[:2]} {sys.platform}".encode())
        for path in self._inputs:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def is_done(self) -> bool:
        """True if the stamp says that these very inputs were worked off."""
        return self.stamp.is_file() and self.stamp.read_text() == self.fingerprint()

    def run(self) -> None:
        """Do it, say how long it took, stamp it. Raises SetupFailed."""
        began = time.monotonic()
        self._work()
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        self.stamp.write_text(self.fingerprint())
        say(f"  {self.name:<16} {time.monotonic() - began:5.1f} s")


def say(text: str) -> None:
    """A line of progress; on stderr, so that `make up ARGS=--json` stays clean."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def command(what: str, *words: str, cwd: Path = CHECKOUT, env: dict[str, str] | None = None) -> None:
    """Run a tool; its output is shown only when it fails."""
    done = subprocess.run(
        words, cwd=cwd, env=os.environ | (env or {}), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        output = (done.stdout + done.stderr).strip()
        remedy = (
            "check the network and free disk space, then run the same command again; what arrived is kept"
        )
        if "hash" in output.lower() or "EINTEGRITY" in output:
            remedy = "a download was broken or is not the locked one: run the same command again"
        raise SetupFailed(
            f"{output[-2500:]}\n\n{what} could not be installed ({words[0]} ended with "
            f"{done.returncode}): {remedy}."
        )


def make_venv(folder: Path) -> None:
    """An environment; with pip from ensurepip, or without where the system's Python lacks it.

    One that is there and runs the same Python is kept.
    """
    if _minor_version(folder / "bin" / "python") == sys.version_info[:2]:
        return
    with_pip = importlib.util.find_spec("ensurepip") is not None
    if not with_pip and importlib.util.find_spec("pip") is None:
        raise SetupFailed(
            "This Python has neither ensurepip nor pip: install the package python3-venv, or "
            "name another Python with `make PYTHON=...`."
        )
    words = [sys.executable, "-m", "venv", "--clear", str(folder)]
    command("The environment", *words, *([] if with_pip else ["--without-pip"]))


def _minor_version(python: Path) -> tuple[int, ...] | None:
    """(3, 11) of an environment's interpreter; None if it does not run."""
    words = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(map(int, answer.split()))


def install_uv(folder: Path) -> None:
    """uv from its locked wheel, by pip: the only thing that pip installs."""
    python = str(folder / "bin" / "python")
    has_pip = any(folder.glob("lib/python*/site-packages/pip"))
    pip = [python, "-m", "pip"] if has_pip else [sys.executable, "-m", "pip", "--python", python]
    command("uv", *pip, "install", "--quiet", "--require-hashes", "-r", str(LOCKS / "uv.txt"))


def install_project(python: Path, editable: list[str]) -> None:
    """The checkout as a package, and its byte code, which the first start would otherwise write."""
    command("The project", *editable)
    packages = ["schemas", "streams", "gateways", "deploy"]
    command("Byte code", str(python), "-m", "compileall", "-q", "-x", "node_modules", *packages)


def steps(folder: Path, listing: str, *, project: bool) -> list[Step]:
    """Steps in order. Of the project's own environment jars and page modules may run side by side; the
    last step only makes starts faster."""
    python, stamps = folder / "bin" / "python", folder / "share" / "kinolog" / "stamps"
    uv = [str(python), "-m", "uv", "pip", "install", "--quiet", "--python", str(python)]
    packages = LOCKS / listing
    compiled = ["--compile-bytecode"]  # else the first start of each process does it, one at a time
    found = [
        Step("environment", stamps / "environment", [], lambda: make_venv(folder)),
        Step("uv", stamps / "uv", [LOCKS / "uv.txt"], lambda: install_uv(folder)),
        Step(
            "Python packages",
            stamps / "packages",
            [packages],
            lambda: command("The Python packages", *uv, *compiled, "--require-hashes", "-r", str(packages)),
        ),
    ]
    if project:
        editable = [*uv, "--no-deps", "--no-build-isolation", "--editable", str(CHECKOUT)]
        found += [
            Step(
                "project",
                stamps / "project",
                [CHECKOUT / "pyproject.toml", packages],
                lambda: install_project(python, editable),
            ),
            Step(
                "jars",
                folder / "share" / "kinolog" / "jars" / "stamp",
                [LOCKS / "jars.txt"],
                lambda: command("The jars", str(python), "-m", "deploy.local.jars"),
            ),
            modules("page modules", WEB, folder),
            Step(
                "Java archives",
                folder / "share" / "kinolog" / "archives" / "stamp",
                # The Java comes with the packages; what a server is started with decides, too.
                [packages, LOCKS / "jars.txt", CHECKOUT / "deploy" / "local" / "java.py"],
                lambda: command("The Java archives", str(python), "-m", "deploy.local.archives"),
            ),
        ]
    return found


def modules(name: str, where: Path, environment: Path) -> Step:
    """The JavaScript packages that a folder's lock names; Node is one of the Python packages."""
    path = {"PATH": f"{environment / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    npm = str(environment / "bin" / "npm")
    return Step(
        name,
        where / "node_modules" / ".kinolog-stamp",
        [where / "package-lock.json"],
        lambda: command(f"The {name}", npm, "ci", cwd=where, env=path),
    )


def side_by_side(work: list[Step]) -> None:
    """Run independent downloads at once; raises the first failure after all have ended."""
    failures: list[SetupFailed] = []

    def guarded(step: Step) -> None:
        try:
            step.run()
        except SetupFailed as failed:
            failures.append(failed)

    threads = [threading.Thread(target=guarded, args=(step,)) for step in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def set_up(folder: Path, listing: str, *, project: bool) -> None:
    """Do what is not done yet. A step anew means every later one of the environment anew."""
    work = steps(folder, listing, project=project)
    serial, parallel, faster = work[:4], work[4:6], work[6:]
    todo = [step for step in serial if not step.is_done()]
    if todo and todo[0] is serial[0]:
        todo = serial
    later = [step for step in parallel if todo[:1] == serial[:1] or not step.is_done()]
    unfinished = [step for step in faster if todo or not step.is_done()]
    if not todo and not later and not unfinished:
        return
    free = shutil.disk_usage(CHECKOUT).free
    if serial[0] in todo and free < NEEDED_DISK_BYTES:
        raise SetupFailed(
            f"Set-up needs {NEEDED_DISK_BYTES >> 30} GB on the disk of {CHECKOUT}, {free / 2**30:.1f} GB "
            "are free: make room and run the same command again."
        )
    say(f"Set-up in {folder.relative_to(CHECKOUT)} (locked lists in deploy/locks):")
    for step in todo:
        step.run()
    side_by_side(later)
    for step in unfinished:
        try:
            step.run()
        except SetupFailed as failed:
            say(f"  {step.name} were not made, starts take longer; tried again next time: {failed}")


def main() -> None:
    """Exit code 1 and one sentence when something cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", action="store_true", help="the environment of the benches' peers")
    arguments = parser.parse_args()
    if sys.version_info < OLDEST:
        raise SystemExit(
            f"Kinolog needs Python 3.11 or newer, this is {sys.version.split()[0]}: name another "
            "with `make PYTHON=python3.12 ...`."
        )
    try:
        if arguments.bench:
            set_up(CHECKOUT / ".venv-bench", "python-bench.txt", project=False)
            peer = modules("Socket.IO", SOCKETIO, CHECKOUT / ".venv")
            if not peer.is_done():
                peer.run()
        else:
            set_up(CHECKOUT / ".venv", "python.txt", project=True)
    except SetupFailed as failed:
        raise SystemExit(f"\n{failed}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
