"""`python -m tests.bench [NAME ...]`: speed next to peers. Ends with 1 where a goal is missed.

Names are benches (`lane.touch`) or their beginnings (`lane`); none means all. Results also go to
`bench/latest.json` of KINOLOG_HOME.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from tests.bench.harness import Bench, judged, keep, measured
from tests.bench.lane import lane

LANE = ("lane.touch", "lane.decide", "lane.project", "lane.latency_p50_ms", "lane.latency_p99_ms")
OTHERS = ("tests.bench.media_benches", "tests.bench.stack_benches")  # modules with `benches() -> [Bench]`


@click.command()
@click.argument("names", nargs=-1)
@click.option("--rounds", default=3)
def main(names: tuple[str, ...], rounds: int) -> None:
    """Measure, print, keep, judge."""
    results: list[dict[str, Any]] = []
    lines: list[str] = []
    with ExitStack() as stack:
        for bench in chosen(names, stack):
            results.append(measured(bench, rounds, click.echo))
            lines += judged(bench, results[-1])
            click.echo(f"{bench.name}: {results[-1]}")
            keep(results)
    click.echo("\n".join(lines))
    click.echo(f"kept in {keep(results)}")
    sys.exit(1 if any(line.startswith("MISSED") for line in lines) else 0)


def chosen(names: tuple[str, ...], stack: ExitStack) -> Iterator[Bench]:
    """The benches asked for; starts what they need when their turn comes."""

    def wanted(name: str) -> bool:
        return not names or any(name == asked or name.startswith(f"{asked}.") for asked in names)

    if any(wanted(name) for name in LANE):
        with (
            tempfile.TemporaryDirectory(prefix="kinolog-bench-") as home,
            lane(Path(home), click.echo) as ours,
        ):
            if any(wanted(name) for name in LANE[:3]):
                ours.fill(with_requests=wanted("lane.decide") or wanted("lane.project"))
            yield from (b for b in [*ours.benches(), *ours.latency_benches()] if wanted(b.name))
    for module in OTHERS:
        if find_spec(module) is not None:
            yield from (bench for bench in import_module(module).benches() if wanted(bench.name))


main()
