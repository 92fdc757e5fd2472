"""Jars of the Java servers: fetched by exact coordinate, kept only when their sha256 is the locked one."""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.local.layout import LOCKS, tools_dir

LOCK = LOCKS / "jars.txt"
_PARALLEL_DOWNLOADS = 8
_ATTEMPTS = 3


class JarRefused(RuntimeError):
    """A jar could not be had, or its bytes are not the locked ones."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name in the class path's folder."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{suffix}.jar"

    @property
    def coordinate(self) -> str:
        """As written in the lock."""
        return ":".join(filter(None, (self.group, self.artifact, self.version, self.classifier)))


def read_lock(path: Path = LOCK) -> dict[str, list[Jar]]:
    """Class path name -> its jars."""
    class_paths: dict[str, list[Jar]] = {}
    section = ""
    for number, raw in enumerate(path.read_text().splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            class_paths[section] = []
            continue
        coordinate, _, digest = line.partition(" sha256:")
        parts = coordinate.split(":")
        if not section or len(parts) not in (3, 4) or len(digest) != 64:
            raise JarRefused(
                f"{path}:{number}: expected `group:artifact:version[:classifier] sha256:<hash>`."
            )
        class_paths[section].append(Jar(parts[0], parts[1], parts[2], parts[3] if parts[3:] else "", digest))
    return class_paths


def folder_of(class_path: str) -> Path:
    """Folder that holds the jars of one class path."""
    return tools_dir() / "jars" / class_path


def java_class_path(class_path: str) -> str:
    """Value of Java's `-cp`: exactly the locked jars, in the lock's order."""
    folder = folder_of(class_path)
    return os.pathsep.join(str(folder / jar.file_name) for jar in read_lock()[class_path])


def missing(class_path: str) -> list[Jar]:
    """Locked jars that are not there, or whose bytes differ."""
    folder = folder_of(class_path)
    return [jar for jar in read_lock()[class_path] if _sha256(folder / jar.file_name) != jar.sha256]


def fetch_all() -> int:
    """Fetch what is missing of every class path; returns how many jars were fetched. Raises JarRefused."""
    wanted = [(name, jar) for name in read_lock() for jar in missing(name)]
    if not wanted:
        return 0
    with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as threads:
        list(threads.map(lambda pair: _fetch(*pair), wanted))
    return len(wanted)


def _fetch(class_path: str, jar: Jar) -> None:
    """Bring one jar through jgo's Maven client (its resolver is not used: the lock is the resolution)."""
    import requests
    from jgo.maven import MavenContext

    folder = folder_of(class_path)
    folder.mkdir(parents=True, exist_ok=True)
    cache = tools_dir() / "maven"
    component = (
        MavenContext(repo_cache=cache, timeout=60).project(jar.group, jar.artifact).at_version(jar.version)
    )
    artifact = component.artifact(jar.classifier, "jar")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            source = artifact.resolve()
            break
        except (requests.RequestException, RuntimeError, OSError) as error:
            if attempt == _ATTEMPTS:
                raise JarRefused(
                    f"{jar.coordinate} could not be downloaded ({type(error).__name__}: {error}): "
                    "check the network and run the same command again; what arrived is kept."
                ) from error
    found = _sha256(source)
    if found != jar.sha256:
        source.unlink(missing_ok=True)
        raise JarRefused(
            f"{jar.coordinate} was downloaded with sha256 {found}, expected {jar.sha256} "
            "(deploy/locks/jars.txt): the download is broken or not the locked one; run it again."
        )
    staged = folder / (jar.file_name + ".part")
    shutil.move(source, staged)
    staged.replace(folder / jar.file_name)


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """`python -m deploy.local.jars`: fetch what is missing; one sentence and code 1 when that fails."""
    try:
        fetch_all()
    except JarRefused as refused:
        raise SystemExit(str(refused)) from None


if __name__ == "__main__":
    main()
