"""The MPD against ISO's own XML schema.

The schema is public, but its terms do not let it into this repository: it is read from the folder that
DASH_SCHEMA_DIR names, by default `../shared/vectors/dash` beside the checkout.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import xmlschema

from tests.judges.report import Problem

CHECKOUT = Path(__file__).resolve().parents[2]
FILES = ("DASH-MPD.xsd", "xlink.xsd")


@lru_cache(maxsize=1)
def dash_schema() -> xmlschema.XMLSchema:
    """The schema; its absence is an error that says how to get it, never a pass."""
    default = CHECKOUT.parent / "shared" / "vectors" / "dash"
    folder = Path(os.environ.get("DASH_SCHEMA_DIR", default))
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise AssertionError(
            f"no {' and '.join(missing)} in {folder}; get them from the repository MPEGGroup/DASHSchema, "
            "or point DASH_SCHEMA_DIR at a folder that has them"
        )
    return xmlschema.XMLSchema(
        str(folder / "DASH-MPD.xsd"),
        locations={"http://www.w3.org/1999/xlink": str(folder / "xlink.xsd")},
        allow="local",
        defuse="never",  # the schema defines its patterns as entities of its own DTD
    )


def schema_problems(mpd: str, where: str) -> list[Problem]:
    return [
        Problem("dash.schema", f"{where}{error.path}", error.reason or "")
        for error in dash_schema().iter_errors(mpd)
    ]
