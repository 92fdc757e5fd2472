"""`python -m tests.chaos`: kills of every kind on a stack of its own; ends with 1 if anything differs.

`--each N` blows of every kind (50 by default, as `make chaos` runs it), `--minutes M` ends earlier,
`--cluster` puts the projections on three Redis Cluster nodes, `--without RULE` takes a rule of exactness
away: then the run is expected to be WRONG.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path

import click

from tests.chaos.run import KINDS, SETTLE_S, Chaos, Plan, Result, blows_of
from tests.chaos.servers import Cluster, mapped_stack

IN_CLUSTER = tuple(kind for kind in KINDS if kind != "clickhouse")


@click.command()
@click.option("--each", default=50, help="Blows of every kind.")
@click.option("--kinds", default="", help=f"Of {', '.join(KINDS)}; comma-separated; all by default.")
@click.option("--minutes", default=120.0, help="No further blow after this.")
@click.option("--seed", default=7)
@click.option("--clients", default=24)
@click.option("--per-s", default=4.0, help="Requests a second of one client.")
@click.option("--pause", default="1.0-2.5", help="Seconds between blows, FROM-TO.")
@click.option("--recover", default=SETTLE_S, help="Seconds to recover in after the last cut of the store.")
@click.option("--cluster", is_flag=True)
@click.option("--without", default="", help="Rules taken away: marks, compare, fence, watch.")
@click.option("--home", type=click.Path(path_type=Path), help="Folder of the stack; kept if given.")
def main(
    each: int, kinds: str, minutes: float, seed: int, clients: int, per_s: float, pause: str, recover: float,
    cluster: bool, without: str, home: Path | None,
) -> None:  # fmt: skip
    """Run, print what happened, judge."""
    chosen = tuple(kinds.split(",")) if kinds else IN_CLUSTER if cluster else KINDS
    low, high = map(float, pause.split("-"))
    plan = Plan(
        blows_of(chosen, each, seed), clients, per_s, (low, high), seed, without, deadline_s=minutes * 60,
        recover_s=recover, replay=not without,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # through every `finally`
    with tempfile.TemporaryDirectory(prefix="kinolog-chaos-") as folder:
        result = run(plan, home or Path(folder), cluster)
    for fault in result.faults[:20]:
        print("  ", fault)
    print(result.summary())
    print(json.dumps({"exact": not result.faults, "requests": result.requests, "blows": result.blows}))
    sys.exit(1 if result.faults else 0)


def run(plan: Plan, home: Path, with_cluster: bool = False) -> Result:
    """One run on a stack of its own in `home`."""
    with mapped_stack(home) as stack:
        cluster = Cluster(home / "cluster") if with_cluster else None
        try:
            if cluster is not None:
                cluster.start()
            return asyncio.run(Chaos(stack, plan, cluster).run())
        finally:
            if cluster is not None:
                cluster.stop()


if __name__ == "__main__":
    main()
