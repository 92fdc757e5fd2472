"""Archives of the Java servers' loaded classes: with one, a server is ready in half the time and CPU.

Set-up runs each server once on a folder of its own and lets the JVM write down what it loaded and compiled
(JEP 483, 514 and 515). A JVM takes an archive only if it is its own, for the same jars and options, and
starts without it otherwise. Java before 25 has none, which costs a start three seconds and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from deploy.local import servers
from deploy.local.java import ARCHIVES_SINCE, JavaMissing, archive_of, find_java
from deploy.local.layout import Home
from deploy.local.ports import free_ports
from deploy.local.spec import ProcessSpec

READY_WITHIN_S: Final = 60.0
WRITTEN_WITHIN_S: Final = 90.0


def make_archives() -> list[str]:
    """Make every server's archive anew; returns the servers that have one now.

    Raises JavaMissing, and subprocess or OS errors of a server that does not run.
    """
    if find_java().major < ARCHIVES_SINCE:
        return []
    ports = free_ports(["kafka", "kafka_controller", "s3"])
    with tempfile.TemporaryDirectory(prefix="kinolog-archive-") as folder:
        home = Home(Path(folder))
        home.create()
        for name in ("kafka", "s3"):
            archive_of(name).unlink(missing_ok=True)  # else the server would start with it, and write none
        made = [servers.kafka(home, ports), servers.s3(home, ports, "archive", "archive-secret")]
        for spec in made:
            train(spec, archive_of(spec.name))
    return [spec.name for spec in made if archive_of(spec.name).is_file()]


def train(spec: ProcessSpec, archive: Path) -> None:
    """Run a server until it is ready, end it, and wait for what its JVM writes at its end."""
    if spec.prepare is not None:
        spec.prepare()
    archive.parent.mkdir(parents=True, exist_ok=True)
    staged = archive.with_suffix(".new")
    java, *options = spec.command
    command = [java, f"-XX:AOTCacheOutput={staged}", "-Xlog:aot*=error", *options]
    process = subprocess.Popen(
        command, cwd=spec.cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        asyncio.run(_until_ready(spec, process))
        process.terminate()
        process.wait(WRITTEN_WITHIN_S)
    finally:
        process.kill()
        process.wait()
    if staged.is_file():
        staged.replace(archive)


async def _until_ready(spec: ProcessSpec, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(Exception):  # as in a start: any error means "not yet"
            await spec.ready()
            return
        await asyncio.sleep(0.1)
    raise OSError(f"{spec.name} ended with {process.poll()} or was not ready within {READY_WITHIN_S:.0f} s")


def main() -> None:
    """`python -m deploy.local.archives`: a server without its archive starts too, so that is only said."""
    try:
        make_archives()
    except (JavaMissing, OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"No archives of the Java servers, they start slower without: {error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
