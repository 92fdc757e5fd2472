"""Where the contract's files are: beside this package, and in an extra root that a test may bring.

`TOPOLOGY_FILE` replaces the map. `SCHEMA_ROOT` names one more folder of `<domain>/*.avsc` with an
`ids.lock` of its own (its ids begin at 1,000,000, so that they never meet the packaged ones).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parent
EXTRA_ROOT_FIRST_ID: Final = 1_000_000


def schema_roots() -> tuple[Path, ...]:
    """Folders that hold schemas, the packaged one first."""
    extra = os.environ.get("SCHEMA_ROOT", "")
    return (PACKAGE, Path(extra).resolve()) if extra else (PACKAGE,)


def first_id(root: Path) -> int:
    """The id that a root's lock begins with."""
    return 1 if root == PACKAGE else EXTRA_ROOT_FIRST_ID


def topology_file() -> Path:
    """`TOPOLOGY_FILE`, else the checkout's map, else the one packaged in the wheel."""
    given = os.environ.get("TOPOLOGY_FILE", "")
    if given:
        return Path(given).resolve()
    checkout = PACKAGE.parent / "topology.yaml"
    return checkout if checkout.is_file() else PACKAGE / "topology.yaml"
