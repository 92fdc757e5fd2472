"""`ids.lock`: every schema version that was ever agreed on, with its id and full text; append-only.

One JSON object a line: `id` (contiguous), `type`, `version` (contiguous per type), `schema` (without
docs: prose may change freely), `chain` (hash of the line and of the one before it, so that an edit or a
removed line shows). Records written years ago stay readable because the texts stand here, whatever
happens to the `.avsc` files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas.errors import ContractError

LOCK_NAME: Final = "ids.lock"
_NO_PROSE: Final = frozenset({"doc"})


@dataclass(frozen=True, slots=True)
class Locked:
    """One line of the lock."""

    id: int
    type: str
    version: int
    schema: dict[str, Any]
    chain: str

    def line(self) -> str:
        head = {"id": self.id, "type": self.type, "version": self.version, "schema": self.schema}
        return _text({**head, "chain": self.chain})


def without_docs(schema: Any) -> Any:
    """The schema with every `doc` of a record, field or enum left out; defaults keep theirs."""
    if isinstance(schema, dict):
        return {k: v if k == "default" else without_docs(v) for k, v in schema.items() if k not in _NO_PROSE}
    if isinstance(schema, list):
        return [without_docs(item) for item in schema]
    return schema


def fingerprint(schema: dict[str, Any]) -> str:
    """Equal for two texts of the same schema, whatever their docs and key order."""
    return hashlib.sha256(json.dumps(without_docs(schema), sort_keys=True).encode()).hexdigest()


def read_lock(path: Path, first_id: int = 1) -> list[Locked]:
    """The lock's lines, verified. A missing file is an empty lock."""
    if not path.is_file():
        return []
    return parse_lock(path.read_text(encoding="utf-8"), str(path), first_id)


def parse_lock(text: str, where: str, first_id: int = 1) -> list[Locked]:
    """Raises ContractError at the first line that was edited, removed or moved."""
    locked: list[Locked] = []
    versions: dict[str, int] = {}
    chain = ""
    for number, line in enumerate(text.splitlines(), 1):
        try:
            raw = json.loads(line)
            entry = Locked(raw["id"], raw["type"], raw["version"], raw["schema"], raw["chain"])
        except (ValueError, KeyError, TypeError) as error:
            raise ContractError(
                f"{where}:{number}: not a lock line ({error!r}): restore the file from version control"
            ) from error
        expected_id, expected_version = first_id + number - 1, versions.get(entry.type, 0) + 1
        chain = _chain(chain, entry)
        if (entry.id, entry.version, entry.chain) != (expected_id, expected_version, chain):
            raise ContractError(
                f"{where}:{number}: {entry.type} id {entry.id} version {entry.version} was edited, or a line "
                f"before was removed (expected id {expected_id} version {expected_version} chain {chain}): "
                "the lock is append-only, restore it from version control"
            )
        versions[entry.type] = entry.version
        locked.append(entry)
    return locked


def unlocked(locked: Iterable[Locked], schemas: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of `schemas` whose text is not the newest locked version of their type."""
    newest = {entry.type: fingerprint(entry.schema) for entry in locked}
    return [schema for schema in schemas if newest.get(schema_name(schema)) != fingerprint(schema)]


def allocate(path: Path, schemas: Iterable[dict[str, Any]], first_id: int = 1) -> list[Locked]:
    """Append a line for each schema that is not locked as it stands; returns the new lines."""
    locked = read_lock(path, first_id)
    new: list[Locked] = []
    for schema in sorted(unlocked(locked, schemas), key=schema_name):
        name = schema_name(schema)
        version = sum(entry.type == name for entry in locked) + 1
        entry = Locked(first_id + len(locked), name, version, without_docs(schema), "")
        entry = Locked(
            entry.id, name, version, entry.schema, _chain(locked[-1].chain if locked else "", entry)
        )
        locked.append(entry)
        new.append(entry)
    if new:
        with path.open("a", encoding="utf-8") as out:
            out.writelines(entry.line() + "\n" for entry in new)
    return new


def schema_name(schema: dict[str, Any]) -> str:
    """Full name of a record schema: namespace and name."""
    return f"{schema.get('namespace', '')}.{schema.get('name', '')}"


def _chain(before: str, entry: Locked) -> str:
    text = _text({"id": entry.id, "type": entry.type, "version": entry.version, "schema": entry.schema})
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()[:16]


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
