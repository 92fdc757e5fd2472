"""Regenerate the lists in this folder (`make lock`). Needs the network, and Maven (`mvn`) for jars.txt.

The lists name packages, exact versions and sha256 only, never an address: whichever mirror a machine
uses, it must serve the same bytes. Every list carries the hash of what it was made from, so that
`--check` can tell a stale list without the network.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

LOCKS = Path(__file__).resolve().parent
CHECKOUT = LOCKS.parents[1]

# What each list is made from: name -> arguments of `uv pip compile`.
PYTHON_LISTS = {
    "uv.txt": ["uv.in"],
    "python.txt": ["pyproject.toml", "--group", "stack", "--group", "dev"],
    "python-bench.txt": ["pyproject.toml", "--group", "stack", "--group", "bench"],
}
# The jars a server is made of. Versions below are the direct ones; Maven adds what they need.
JAR_ROOTS = {
    "kafka": ["org.apache.kafka:kafka_2.13:4.1.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"],
    # s3proxy 4.1.0 dies with NoClassDefFoundError without the newer annotations.
    "s3proxy": ["org.gaul:s3proxy:4.1.0", "com.fasterxml.jackson.core:jackson-annotations:2.21"],
}
_LISTED = re.compile(r"^\s*(?P<coordinate>[\w.\-]+(?::[\w.\-]+){4,5}):(?P<path>/\S+)")


def fingerprint(name: str) -> str:
    """Hash of everything that decides the content of list `name`."""
    if name == "jars.txt":
        material = json.dumps(JAR_ROOTS, sort_keys=True)
    elif name == "uv.txt":
        material = (LOCKS / "uv.in").read_text()
    else:
        project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
        groups = [word for word in PYTHON_LISTS[name] if word in project["dependency-groups"]]
        material = json.dumps(
            [project["project"]["dependencies"], *(project["dependency-groups"][group] for group in groups)]
        )
    return hashlib.sha256(material.encode()).hexdigest()


def stale() -> list[str]:
    """Names of the lists that no longer match what they are made from."""
    return [
        name
        for name in (*PYTHON_LISTS, "jars.txt")
        if not (LOCKS / name).is_file()
        or f"; made from {fingerprint(name)}" not in (LOCKS / name).read_text()
    ]


def lock_python(name: str) -> None:
    """Write one hash-locked list for every platform, keeping versions that still fit."""
    sources = [str(LOCKS / word) if word.endswith(".in") else word for word in PYTHON_LISTS[name]]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / name
        if (LOCKS / name).is_file():
            shutil.copyfile(LOCKS / name, out)
        command = [sys.executable, "-m", "uv", "pip", "compile", *sources, "--universal", "--generate-hashes"]
        command += ["--python-version", "3.11", "--no-header", "--no-annotate", "--no-emit-index-url"]
        command += ["--no-emit-find-links", "--quiet", "--output-file", str(out)]
        subprocess.run(command, cwd=CHECKOUT, check=True)
        body = out.read_text()
    (LOCKS / name).write_text(f"# Written by deploy/locks/relock.py; made from {fingerprint(name)}\n{body}")


def maven_resolution(roots: list[str]) -> list[tuple[str, str]]:
    """(coordinate, sha256) of every jar that Maven itself puts on the class path of `roots`."""
    maven = shutil.which("mvn")
    if maven is None:
        raise SystemExit(
            "jars.txt is resolved by Maven: install it (command `mvn`) and run `make lock` again."
        )
    dependencies = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>".format(
            *map(escape, root.split(":"))
        )
        for root in roots
    )
    with tempfile.TemporaryDirectory() as folder:
        pom, listing = Path(folder) / "pom.xml", Path(folder) / "list.txt"
        pom.write_text(
            '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
            "<groupId>kinolog</groupId><artifactId>jars</artifactId><version>1</version>"
            f"<dependencies>{dependencies}</dependencies></project>"
        )
        command = [maven, "-q", "-B", "-f", str(pom), "dependency:list", "-DincludeScope=runtime"]
        command += ["-DoutputAbsoluteArtifactFilename=true", f"-DoutputFile={listing}"]
        subprocess.run(command, check=True)
        rows = [match for line in listing.read_text().splitlines() if (match := _LISTED.match(line))]
        found = []
        for row in rows:
            parts = row["coordinate"].split(":")  # group:artifact:type[:classifier]:version:scope
            group, artifact, kind, *classifier, version, _scope = parts
            if kind != "jar":
                continue
            digest = hashlib.sha256(Path(row["path"]).read_bytes()).hexdigest()
            found.append((":".join([group, artifact, version, *classifier]), digest))
    return sorted(found)


def lock_jars() -> None:
    """Write jars.txt: one section a class path, `group:artifact:version[:classifier] sha256:<hash>`."""
    lines = [f"# Written by deploy/locks/relock.py; made from {fingerprint('jars.txt')}"]
    for class_path, roots in JAR_ROOTS.items():
        lines += ["", f"[{class_path}]"]
        lines += [f"{coordinate} sha256:{digest}" for coordinate, digest in maven_resolution(roots)]
    (LOCKS / "jars.txt").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Entry point of `make lock` and of the staleness check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which lists are stale")
    parser.add_argument("lists", nargs="*", help="names of the lists to write (default: all stale ones)")
    arguments = parser.parse_args()
    names = arguments.lists or stale()
    if arguments.check:
        if names:
            raise SystemExit(
                f"stale: {', '.join(names)} in deploy/locks; run `make lock` and commit the result."
            )
        return
    for name in names:
        if name == "jars.txt":
            lock_jars()
        else:
            lock_python(name)
        sys.stdout.write(f"wrote deploy/locks/{name}\n")


if __name__ == "__main__":
    main()
