"""`kinolog verify NAME`: prove that log and code give what the store holds."""

from __future__ import annotations

import click

from deploy.replaying import judge, replayed
from streams.engine.replay import Replay

REMEDY = (
    "log and code give something else than the store holds: the code was changed, or the store was changed "
    "beside the log. `kinolog rebuild {name} --accept-differences` replaces a projection; a decider builds "
    "its state anew when its keys are deleted while its worker is stopped"
)


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(name: str, as_json: bool) -> None:
    """Build projector, table or decider NAME as a scratch version and compare; readers see nothing of it."""
    report = replayed(name, Replay.verify, as_json)
    judge(report, as_json, REMEDY.format(name=report.name))
