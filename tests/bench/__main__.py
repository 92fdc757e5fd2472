"""`python -m tests.bench [NAME ...]`: speed next to peers. Ends with 1 where a goal is missed.

Names are benches (`lane.touch`) or their beginnings (`lane`); none means all. Results also go to
`bench/latest.json` of KINOLOG_HOME.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tests.bench import (
    chat_benches,
    freshness,
    gate,
    intake,
    licences,
    measuring,
    media_benches,
    pages,
    questions,
    screening,
    stack_benches,
)
from tests.bench.harness import Bench, judged, keep, measured
from tests.bench.lane import lane

LANE = ("lane.touch", "lane.decide", "lane.project", "lane.latency_p50_ms", "lane.latency_p99_ms")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--rounds", default=3, type=click.IntRange(min=3), help="the median needs three")
def main(names: tuple[str, ...], rounds: int) -> None:
    """Measure, print, keep, judge."""
    results: list[dict[str, Any]] = []
    lines: list[str] = []
    for bench in chosen(names):
        results.append(measured(bench, rounds, click.echo))
        lines += judged(bench, results[-1])
        click.echo(f"{bench.name}: {results[-1]}")
        keep(results)
    click.echo("\n".join(lines))
    click.echo(f"kept in {keep(results)}")
    sys.exit(1 if any(line.startswith("MISSED") for line in lines) else 0)


def chosen(names: tuple[str, ...]) -> Iterator[Bench]:
    """The benches asked for; starts what they need when their turn comes."""

    def means(asked: str, name: str) -> bool:
        return name == asked or name.startswith(f"{asked}.")

    def wanted(name: str) -> bool:
        return not names or any(means(asked, name) for asked in names)

    kinds = (gate, screening, pages, media_benches, stack_benches)
    others = [bench for kind in kinds for bench in kind.benches()]
    with_stacks = [*chat_benches.NAMES, intake.NAME, *measuring.NAMES, *questions.NAMES]
    with_stacks += [freshness.NAME, *licences.NAMES]
    all_names = [*LANE, *with_stacks, *(bench.name for bench in others)]
    for asked in names:
        if not any(means(asked, name) for name in all_names):
            raise click.UsageError(
                f"no bench {asked!r}: there are {', '.join(all_names)}, and their beginnings"
            )
    if any(wanted(name) for name in LANE):
        with (
            tempfile.TemporaryDirectory(prefix="kinolog-bench-") as home,
            lane(Path(home), click.echo) as ours,
        ):
            if any(wanted(name) for name in LANE[:3]):
                ours.fill(with_counted=wanted("lane.project"))
            yield from (b for b in [*ours.benches(), *ours.latency_benches()] if wanted(b.name))
    if any(wanted(name) for name in chat_benches.NAMES):
        with chat_benches.chat() as benches:
            yield from (b for b in benches if wanted(b.name))
    if wanted(intake.NAME):
        with intake.intake() as benches:
            yield from benches
    if any(wanted(name) for name in questions.NAMES):
        with questions.questions(click.echo) as benches:
            yield from (b for b in benches if wanted(b.name))
    if any(wanted(name) for name in measuring.NAMES):
        with measuring.measuring() as benches:
            yield from (b for b in benches if wanted(b.name))
    if wanted(freshness.NAME):
        with freshness.freshness() as benches:
            yield from benches
    if any(wanted(name) for name in licences.NAMES):
        with licences.licences(click.echo) as benches:
            yield from (b for b in benches if wanted(b.name))
    yield from (bench for bench in others if wanted(bench.name))


if __name__ == "__main__":
    main()
