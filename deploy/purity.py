"""Rules and projections import nothing that knows a clock, chance or a client, not even through a helper.

`.importlinter` forbids that to the modules listed in its purity contract, directly. This finds modules of
the same domain that those import and that are not listed, so that a helper is no way around.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def impure_helpers(checkout: Path, pure: set[str]) -> Iterator[str]:
    """Sentences on helpers missing in the contract, and on rules or projections that are not in it at all."""
    for path in sorted((checkout / "streams").glob("*/*.py")):
        module = _module(checkout, path)
        if path.stem in ("rules", "projections") and module not in pure:
            yield f"{path}: {module} is not in the purity contract of .importlinter: add it to source_modules"
        if module in pure:
            for helper in sorted(_siblings(checkout, path) - pure):
                yield (
                    f"{path}: imports {helper}, which is not in the purity contract of .importlinter: add it "
                    "to source_modules, or take from it what the rules need"
                )


def _siblings(checkout: Path, path: Path) -> set[str]:
    """Modules of the same folder that the file imports."""
    package = path.parent
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    own = {_module(checkout, file) for file in package.glob("*.py") if file.stem != "__init__"}
    return found & own


def _module(checkout: Path, path: Path) -> str:
    return ".".join(path.relative_to(checkout).with_suffix("").parts)
