"""`kinolog verify NAME`: prove that log and code give what the store holds."""

from __future__ import annotations

import click

from deploy.replaying import replay_command


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(name: str, as_json: bool) -> None:
    """Rebuild projector or decider NAME into a scratch version and compare; readers see nothing of it."""
    replay_command(name, "verify", as_json)
