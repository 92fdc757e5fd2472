"""`kinolog rebuild NAME`: the versions of a projection: build the next one, go over, go back, remove."""

from __future__ import annotations

import click

from deploy.commands._common import print_json
from deploy.replaying import judge, replayed
from streams.engine.replay import Replay

REMEDY = (
    "readers stay. If the code was changed on purpose, go over with `kinolog rebuild {name} "
    "--accept-differences`; if not, the store was changed beside the log: the same heals it"
)


@click.command()
@click.argument("name")
@click.option(
    "--accept-differences", is_flag=True, help="Go over although versions differ, after printing how."
)
@click.option(
    "--back", is_flag=True, help="Let readers go back to the version they left, brought up to date."
)
@click.option("--remove-old", is_flag=True, help="Delete every version but the one that readers use.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(name: str, accept_differences: bool, back: bool, remove_old: bool, as_json: bool) -> None:
    """Rebuild projector or ClickHouse table NAME from the log beside the running version.

    Readers go over if both are equal. If they differ, the number of keys and a sample of them is printed and
    nothing changes, unless you accept it. The version they leave is kept until you remove it.
    """
    if accept_differences + back + remove_old > 1:
        raise click.UsageError("--accept-differences, --back and --remove-old exclude one another: give one")
    if remove_old:
        removed = replayed(name, Replay.remove, as_json)
        if as_json:
            print_json({"name": name, "removed": removed})
        else:
            click.echo(f"{name}: removed versions {', '.join(map(str, removed)) or 'none'}")
        return
    if back:
        report = replayed(name, Replay.back, as_json)
    else:
        report = replayed(name, lambda replay: replay.rebuild(accept_differences), as_json)
    judge(report, as_json, REMEDY.format(name=report.name))
