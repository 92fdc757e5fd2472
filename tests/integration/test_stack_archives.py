"""Archives of the Java servers' classes: made by running them, and used by the next start."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.local import archives, jars, java, servers
from deploy.local.layout import Home, tools_dir
from deploy.local.ports import free_ports


def test_a_server_leaves_an_archive_that_its_jvm_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = java.find_java()
    if found.major < java.ARCHIVES_SINCE:
        assert archives.make_archives() == []
        return
    jar_folder = tools_dir() / "jars"
    monkeypatch.setenv("KINOLOG_TOOLS", str(tmp_path))
    (tmp_path / "jars").symlink_to(jar_folder)
    plain = found.options(servers.S3_HEAP_MB, "s3")
    assert not any("AOTCache" in option for option in plain)

    spec = servers.s3(Home(tmp_path / "home"), {"s3": free_ports(["s3"])["s3"]}, "key", "secret")
    archives.train(spec, java.archive_of("s3"))

    options = found.options(servers.S3_HEAP_MB, "s3")
    assert f"-XX:AOTCache={java.archive_of('s3')}" in options
    class_path = jars.java_class_path("s3proxy")
    done = subprocess.run(
        [
            found.executable,
            *options,
            "-XX:AOTMode=on",
            "-cp",
            class_path,
            "org.gaul.s3proxy.Main",
            "--version",
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    # `on` makes the JVM refuse to start with an archive that it cannot use.
    assert done.returncode == 0, done.stderr + done.stdout
    assert "4.1.0" in done.stdout + done.stderr
