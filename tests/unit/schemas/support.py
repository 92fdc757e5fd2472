"""A schema root of a test's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.lock import LOCK_NAME, allocate
from schemas.sources import read_schemas


def record(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    """A documented record schema of the domain `demo`."""
    return {
        "type": "record",
        "namespace": "kinolog.demo",
        "name": name,
        "doc": f"{name}.",
        "fields": list(fields),
    }


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "doc": f"{name}, any.", **more}


def put(root: Path, schema: dict[str, Any]) -> Path:
    """Write the schema where it belongs below `root`."""
    path = root / "demo" / f"{schema['name']}.avsc"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(schema))
    return path


def lock(root: Path, first_id: int = 1) -> Path:
    """Lock what stands below `root`; returns the lock's path."""
    allocate(root / LOCK_NAME, [file.schema for file in read_schemas(root)], first_id)
    return root / LOCK_NAME
