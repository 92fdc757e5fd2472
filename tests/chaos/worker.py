"""`python -m tests.chaos.worker APP SLOT [without=RULE,...]`: a chaos app as the product runs it."""

from __future__ import annotations

import sys

from schemas.catalog import topology
from streams.core.settings import load_settings
from streams.engine.runtime import run_worker
from tests.chaos import mutations


def main() -> None:
    app, slot, *rest = sys.argv[1:]
    for rule in filter(None, (rest[0] if rest else "").removeprefix("without=").split(",")):
        mutations.ALL[rule]()
    run_worker(load_settings(instance=slot, log_level="WARNING"), topology(), app)


main()
