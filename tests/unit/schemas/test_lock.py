"""The lock only grows, and what was locked stays readable."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schemas.compat import lock_history_problems, schema_problems
from schemas.errors import ContractError
from schemas.lock import fingerprint, read_lock, without_docs
from schemas.sources import read_schemas
from tests.unit.schemas.support import field, lock, put, record

BASE = [field("a", "int"), field("b", "string")]


def _problems(root: Path, public: tuple[str, ...] = ()) -> list[str]:
    return list(schema_problems(read_lock(root / "ids.lock"), read_schemas(root), public))


def test_ids_are_allocated_once(tmp_path: Path) -> None:
    put(tmp_path, record("One", *BASE))
    put(tmp_path, record("Two", *BASE))
    path = lock(tmp_path)
    before = path.read_text()
    lock(tmp_path)
    assert path.read_text() == before
    put(tmp_path, record("One", *BASE, field("c", "int", default=0)))
    lock(tmp_path)
    assert path.read_text().startswith(before)
    assert [(e.id, e.type, e.version) for e in read_lock(path)] == [
        (1, "kinolog.demo.One", 1),
        (2, "kinolog.demo.Two", 1),
        (3, "kinolog.demo.One", 2),
    ]


def test_docs_may_change_without_a_new_version(tmp_path: Path) -> None:
    put(tmp_path, record("One", field("a", "int")))
    path = lock(tmp_path)
    schema = record("One", {"name": "a", "type": "int", "doc": "Better words."})
    put(tmp_path, schema)
    lock(tmp_path)
    assert len(read_lock(path)) == 1
    assert fingerprint(schema) == fingerprint(without_docs(schema))
    assert not _problems(tmp_path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: [lines[0].replace('"int"', '"long"'), *lines[1:]],
        lambda lines: [lines[0].replace('"id":1', '"id":9'), *lines[1:]],
        lambda lines: [lines[0], "not json", lines[2]],
        lambda lines: [lines[0], "{}", lines[2]],
    ],
)
def test_edits_and_removals_are_refused(tmp_path: Path, edit: Any) -> None:
    for name in ("One", "Two", "Three"):
        put(tmp_path, record(name, *BASE))
    path = lock(tmp_path)
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")
    with pytest.raises(ContractError, match=r"ids\.lock:\d: .*version control"):
        read_lock(path)


def test_a_cut_tail_is_seen_against_version_control(tmp_path: Path) -> None:
    put(tmp_path, record("One", *BASE))
    put(tmp_path, record("Two", *BASE))
    path = lock(tmp_path)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q", "-b", "work"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    assert not list(lock_history_problems(path))
    put(tmp_path, record("Three", *BASE))
    lock(tmp_path)
    assert not list(lock_history_problems(path))
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert read_lock(path)
    [problem] = lock_history_problems(path)
    assert "append-only" in problem


def test_an_unlocked_schema_is_refused(tmp_path: Path) -> None:
    put(tmp_path, record("One", *BASE))
    [problem] = _problems(tmp_path)
    assert "kinolog check --fix" in problem


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([*BASE, field("c", "int")], "c"),  # added without a default
        ([field("a", "string"), BASE[1]], "a"),  # another type
        ([field("z", "int"), BASE[1]], "z"),  # renamed without an alias
    ],
)
def test_what_cannot_read_the_past_is_refused(
    tmp_path: Path, fields: list[dict[str, Any]], says: str
) -> None:
    put(tmp_path, record("One", *BASE))
    lock(tmp_path)
    put(tmp_path, record("One", *fields))
    [problem] = _problems(tmp_path)
    assert "cannot read version 1" in problem
    assert says in problem


def test_every_locked_version_counts_not_only_the_last(tmp_path: Path) -> None:
    put(tmp_path, record("One", field("a", "int")))
    lock(tmp_path)
    put(tmp_path, record("One", field("a", "int"), field("b", "string", default="")))
    lock(tmp_path)
    put(tmp_path, record("One", field("a", "int"), field("b", "string")))
    assert any("version 1" in problem for problem in _problems(tmp_path))


def test_public_events_stay_readable_by_older_readers_too(tmp_path: Path) -> None:
    put(tmp_path, record("One", *BASE))
    lock(tmp_path)
    put(tmp_path, record("One", BASE[0]))
    assert not [p for p in _problems(tmp_path) if "not locked" not in p]
    [problem] = _problems(tmp_path, ("kinolog.demo.One",))
    assert "public" in problem


def test_a_field_without_doc_is_refused(tmp_path: Path) -> None:
    nested = {"type": "record", "name": "Part", "doc": "A part.", "fields": [{"name": "n", "type": "int"}]}
    put(tmp_path, record("One", field("parts", {"type": "array", "items": nested})))
    lock(tmp_path)
    [problem] = _problems(tmp_path)
    assert "kinolog.demo.One.parts.n has no doc" in problem


def test_bytes_with_a_default_are_refused(tmp_path: Path) -> None:
    put(tmp_path, record("One", field("a", "bytes", default=""), field("b", ["null", "bytes"], default=None)))
    lock(tmp_path)
    [problem] = _problems(tmp_path)
    assert "kinolog.demo.One.a has a default of bytes" in problem


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({**record("One", *BASE), "namespace": "elsewhere"}, "namespace"),
        ({**record("One", *BASE), "name": "Other"}, "named One"),
        ({**record("One", field("a", "colour"))}, "not an Avro schema"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, schema: dict[str, Any], says: str) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "One.avsc").write_text(json.dumps(schema))
    with pytest.raises(ContractError, match=says) as caught:
        read_schemas(tmp_path)
    assert "One.avsc" in str(caught.value)
