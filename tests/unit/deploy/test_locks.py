"""Locked lists: complete, without addresses, fresh, and a wrong hash is refused."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.layout import CHECKOUT, LOCKS
from deploy.locks import relock

ADDRESS = re.compile(r"https?://|\bindex-url\b|\bfind-links\b")
LISTS = ("uv.txt", "python.txt", "python-bench.txt", "jars.txt")


@pytest.mark.parametrize("name", LISTS)
def test_lists_hold_no_address(name: str) -> None:
    assert not ADDRESS.search((LOCKS / name).read_text())


def test_node_lock_holds_no_address() -> None:
    lock = json.loads((CHECKOUT / "gateways" / "web" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert all("resolved" not in entry for entry in packages.values())
    assert all("integrity" in entry for entry in packages.values())


def test_lists_match_what_they_are_made_from() -> None:
    assert relock.stale() == []


def test_every_python_package_has_exact_version_and_hash() -> None:
    for name in ("uv.txt", "python.txt", "python-bench.txt"):
        text = (LOCKS / name).read_text().replace("\\\n", " ")
        for line in filter(None, (line for line in text.splitlines() if not line.startswith("#"))):
            assert re.match(r"[A-Za-z0-9._-]+(\[[^]]+\])?==\S+.*--hash=sha256:[0-9a-f]{64}", line), line


def test_class_paths_are_apart_and_complete() -> None:
    lock = jars.read_lock()
    assert set(lock) == {"kafka", "s3proxy"}
    kafka = {jar.artifact: jar.version for jar in lock["kafka"]}
    assert {version for name, version in kafka.items() if name.startswith("kafka")} == {"4.1.1"}
    assert kafka["log4j-slf4j-impl"] == "2.24.3"
    assert {jar.artifact: jar.version for jar in lock["s3proxy"]}["jackson-annotations"] == "2.21"
    for locked in lock.values():
        assert len({jar.file_name for jar in locked}) == len(locked)


def test_installed_jars_are_the_locked_ones() -> None:
    assert all(jars.missing(name) == [] for name in jars.read_lock())


def test_a_line_that_is_no_jar_is_named(tmp_path: Path) -> None:
    (tmp_path / "jars.txt").write_text("[kafka]\norg.example:thing:1.0 md5:123\n")
    with pytest.raises(jars.JarRefused, match=r"jars\.txt:2"):
        jars.read_lock(tmp_path / "jars.txt")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty Maven repository on loopback, a lock with one jar and an empty tools folder."""
    folder = tmp_path / "repository"
    folder.mkdir()
    handler = partial(QuietHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    digest = hashlib.sha256(b"the locked bytes").hexdigest()
    (tmp_path / "jars.txt").write_text(f"[kafka]\norg.example:thing:1.0 sha256:{digest}\n")
    lock = jars.read_lock(tmp_path / "jars.txt")
    monkeypatch.setattr(jars, "read_lock", lambda: lock)
    monkeypatch.setattr(jars, "repositories", lambda: [f"http://127.0.0.1:{server.server_port}"])
    monkeypatch.setenv("KINOLOG_TOOLS", str(tmp_path / "tools"))
    yield folder
    server.shutdown()
    server.server_close()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a line for each request."""

    def log_message(self, *_: object) -> None: ...


def serve(repository: Path, content: bytes) -> None:
    jar = repository / "org" / "example" / "thing" / "1.0" / "thing-1.0.jar"
    jar.parent.mkdir(parents=True, exist_ok=True)
    jar.write_bytes(content)


def test_a_jar_with_another_hash_is_refused(repository: Path) -> None:
    serve(repository, b"something else")
    with pytest.raises(jars.JarRefused, match=r"org\.example:thing:1\.0 .* expected") as refused:
        jars.fetch_all()
    assert "run it again" in str(refused.value)
    assert len(jars.missing("kafka")) == 1
    assert list(jars.folder_of("kafka").iterdir()) == []


def test_a_jar_that_is_nowhere_is_named(repository: Path) -> None:
    with pytest.raises(jars.JarRefused, match=r"org\.example:thing:1\.0 could not be downloaded .*404"):
        jars.fetch_all()


def test_a_broken_jar_is_found_and_fetched_again(repository: Path) -> None:
    serve(repository, b"the locked bytes")
    assert jars.fetch_all() == 1
    assert jars.fetch_all() == 0
    (jars.folder_of("kafka") / "thing-1.0.jar").write_bytes(b"cut off")
    assert [jar.coordinate for jar in jars.missing("kafka")] == ["org.example:thing:1.0"]
    assert jars.fetch_all() == 1
    assert jars.missing("kafka") == []
