"""Jars of the Java servers: fetched by exact coordinate, kept only when their sha256 is the locked one."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.layout import LOCKS, tools_dir

if TYPE_CHECKING:
    import requests  # every start reads the lock, only set-up downloads

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
    def repository_path(self) -> str:
        """Where every Maven repository keeps it."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"

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


def repositories() -> list[str]:
    """Base addresses of the Maven repositories to ask, in order: jgo's own."""
    from jgo.maven import MavenContext

    return list(MavenContext().remote_repos.values())


def fetch_all() -> int:
    """Fetch what is missing of every class path; returns how many jars were fetched. Raises JarRefused."""
    import requests
    from requests.adapters import HTTPAdapter

    wanted = [(name, jar) for name in read_lock() for jar in missing(name)]
    if not wanted:
        return 0
    bases = repositories()
    for name in read_lock():
        folder_of(name).mkdir(parents=True, exist_ok=True)
    # jgo opens a connection for each file and each checksum; kept-alive ones take a fifth of the time.
    with requests.Session() as session, ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as threads:
        session.mount("https://", HTTPAdapter(pool_maxsize=_PARALLEL_DOWNLOADS))
        list(threads.map(lambda pair: _fetch(session, bases, *pair), wanted))
    return len(wanted)


def _fetch(session: requests.Session, bases: list[str], class_path: str, jar: Jar) -> None:
    """Bring one jar; its place gets it only whole and with the locked hash."""
    import requests

    target = folder_of(class_path) / jar.file_name
    staged = target.with_suffix(".part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            found = _download(session, bases, jar, staged)
            break
        except (requests.RequestException, OSError) as error:
            if attempt == _ATTEMPTS:
                raise JarRefused(
                    f"{jar.coordinate} could not be downloaded ({type(error).__name__}: {error}): "
                    "check the network and run the same command again; what arrived is kept."
                ) from error
    if found != jar.sha256:
        staged.unlink()
        raise JarRefused(
            f"{jar.coordinate} was downloaded with sha256 {found}, expected {jar.sha256} "
            "(deploy/locks/jars.txt): the download is broken or not the locked one; run it again."
        )
    staged.replace(target)


def _download(session: requests.Session, bases: list[str], jar: Jar, staged: Path) -> str:
    """Write the first repository's answer to `staged`; returns its sha256."""
    for last, base in enumerate(bases, start=1 - len(bases)):
        with session.get(f"{base}/{jar.repository_path}", stream=True, timeout=60) as answer:
            if answer.status_code == 404 and last < 0:
                continue
            answer.raise_for_status()
            digest = hashlib.sha256()
            with staged.open("wb") as file:
                for piece in answer.iter_content(1 << 16):
                    file.write(piece)
                    digest.update(piece)
            return digest.hexdigest()
    raise FileNotFoundError("no Maven repository is configured")


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
