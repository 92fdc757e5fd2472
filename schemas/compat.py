"""What may change and what may not: schemas, their ids, partition counts.

Rules: every version of an event that was ever locked stays readable by the newest (BACKWARD_TRANSITIVE);
events of public topics also the other way round, so that other teams' older readers go on (FULL). Lock
files only grow. A partition count never changes: keys would move, so a new count is a new topic version.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from schemas.catalog import Topology
from schemas.lock import LOCK_NAME, Locked, unlocked
from schemas.sources import SchemaFile, undocumented, unsafe_defaults

_checker: Callable[[], Any] = cast(Any, ReaderWriterCompatibilityChecker)
PARTITIONS_LOCK: Final = "partitions.lock"


def schema_problems(locked: list[Locked], files: list[SchemaFile], public: Iterable[str]) -> Iterator[str]:
    """Everything wrong with the schemas: undocumented fields, not locked, incompatible with a version."""
    for file in files:
        for name in undocumented(file.schema):
            yield f"{file.path}: {name} has no doc: say what it is, with unit and range"
        for name in unsafe_defaults(file.schema):
            yield f'{file.path}: {name} has a default of bytes: take ["null", "bytes"] with null'
    stale = {id(schema) for schema in unlocked(locked, [file.schema for file in files])}
    fully = set(public)
    for file in files:
        versions = [entry for entry in locked if entry.type == file.type]
        problems = [
            f"{file.path}: cannot {verb} version {entry.version} (id {entry.id}): {why}: "
            "give added fields a default, keep types and names, or make a new event"
            for entry in versions
            for verb, why in _incompatible(file.schema, entry.schema, file.type in fully)
        ]
        yield from problems
        if id(file.schema) in stale and not problems:
            yield f"{file.path}: not locked as it stands: run `kinolog check --fix` and commit {LOCK_NAME}"


def _incompatible(newest: dict[str, Any], old: dict[str, Any], full: bool) -> Iterator[tuple[str, str]]:
    why = _unreadable(reader=newest, writer=old)
    if why:
        yield "read", why
    why = _unreadable(reader=old, writer=newest) if full else ""
    if why:
        yield "be read by readers of (its topic is public)", why


def _unreadable(reader: dict[str, Any], writer: dict[str, Any]) -> str:
    """Why `reader` cannot read what `writer` wrote, or ""."""
    found = _checker().get_compatibility(parse(json.dumps(reader)), parse(json.dumps(writer)))
    if found.compatibility is SchemaCompatibilityType.compatible:
        return ""
    return "; ".join(sorted(found.messages)) or "incompatible"


def lock_history_problems(path: Path) -> Iterator[str]:
    """Lines of an append-only file that version control has and the file has not (or has changed).

    Compared with HEAD and the main branch, where these exist; outside a checkout there is nothing to say.
    """
    now = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for ref in ("HEAD", "main", "origin/main"):
        before = _committed(path, ref)
        if before is not None and now[: len(before)] != before:
            line = next(
                (n for n, (a, b) in enumerate(zip(before, now, strict=False), 1) if a != b), len(now) + 1
            )
            yield (
                f"{path}:{line}: differs from {ref}, and the file is append-only: "
                f"`git checkout {ref} -- {path.name}` in its folder, then run `kinolog check --fix`"
            )
            return


def _committed(path: Path, ref: str) -> list[str] | None:
    command = ["git", "-C", str(path.parent), "show", f"{ref}:./{path.name}"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return shown.stdout.splitlines() if shown.returncode == 0 else None


def read_partitions(path: Path) -> dict[str, int]:
    """Topic to its locked partition count: lines of `topic count`."""
    if not path.is_file():
        return {}
    return {name: int(count) for name, count in map(str.split, path.read_text(encoding="utf-8").splitlines())}


def partition_problems(topology: Topology, locked: Mapping[str, int], path: Path) -> Iterator[str]:
    """Counts that changed, and topics whose count is not locked yet."""
    for topic in topology.topics.values():
        count = locked.get(topic.name)
        if count is None:
            yield f"{path}: {topic.name} is not in it: run `kinolog check --fix` and commit it"
        elif count != topic.partitions:
            yield (
                f"{topology.path}: topics.{topic.name}.partitions: {topic.partitions}, but it was locked "
                f"as {count}: keys would move; put {count} back, or make a new topic version by replay"
            )


def lock_partitions(topology: Topology, path: Path) -> list[str]:
    """Append the topics that are not locked yet; returns their names."""
    new = [topic for topic in topology.topics.values() if topic.name not in read_partitions(path)]
    if new:
        with path.open("a", encoding="utf-8") as out:
            out.writelines(f"{topic.name} {topic.partitions}\n" for topic in new)
    return [topic.name for topic in new]
