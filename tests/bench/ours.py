"""`python -m tests.bench.ours APP GROUP`: an app of the bench map as the product runs it."""

from __future__ import annotations

import sys

from schemas.catalog import topology
from streams.core.settings import load_settings
from streams.engine.runtime import run_worker

run_worker(load_settings(log_level="WARNING"), topology(), sys.argv[1], group=sys.argv[2])
