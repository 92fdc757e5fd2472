"""The `.avsc` files: one event a file, found by folder, checked for the habits that this house keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro

from schemas.errors import ContractError
from schemas.lock import schema_name


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """One event's schema as it stands in the tree; `type` is its full Avro name."""

    type: str
    domain: str
    path: Path
    schema: dict[str, Any]


def read_schemas(root: Path) -> list[SchemaFile]:
    """Every `<domain>/<Event>.avsc` below `root`, by path. Raises ContractError naming file and remedy."""
    found: dict[str, SchemaFile] = {}
    for path in sorted(root.glob("*/*.avsc")):
        file = _read(path)
        if file.type in found:
            raise ContractError(f"{path}: {file.type} is also defined in {found[file.type].path}: keep one")
        found[file.type] = file
    return list(found.values())


def _read(path: Path) -> SchemaFile:
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
        fastavro.parse_schema(schema, named_schemas={})
    except Exception as error:
        raise ContractError(f"{path}: not an Avro schema ({error}): correct it") from error
    domain = path.parent.name
    expected = (f"kinolog.{domain}", path.stem, "record")
    if (schema.get("namespace"), schema.get("name"), schema.get("type")) != expected:
        raise ContractError(
            f"{path}: expected a record named {path.stem} in namespace kinolog.{domain}, found "
            f"{schema.get('type')} {schema_name(schema)}: the path and the full name are the same thing"
        )
    return SchemaFile(schema_name(schema), domain, path, schema)


def undocumented(schema: dict[str, Any]) -> Iterator[str]:
    """Dotted names of the event and its fields, nested ones included, that have no `doc`."""
    if not schema.get("doc"):
        yield schema_name(schema)
    for name, field in _fields(schema, schema_name(schema)):
        if not field.get("doc"):
            yield name


def unsafe_defaults(schema: dict[str, Any]) -> Iterator[str]:
    """Dotted names of fields whose default libraries do not read alike: bytes as JSON text."""
    for name, field in _fields(schema, schema_name(schema)):
        first = field["type"][0] if isinstance(field["type"], list) else field["type"]
        kind = first.get("type") if isinstance(first, dict) else first
        if "default" in field and kind in ("bytes", "fixed"):
            yield name


def _fields(schema: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field with its dotted name, those of nested records included."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _fields(branch, where)
    elif isinstance(schema, dict):
        for field in schema.get("fields", ()):
            name = f"{where}.{field['name']}"
            yield name, field
            yield from _fields(field["type"], name)
        for part in ("items", "values", "type"):
            if isinstance(schema.get(part), (dict, list)):
                yield from _fields(schema[part], where)
