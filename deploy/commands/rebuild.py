"""`kinolog rebuild NAME`: build the next version of a projection, prove it equal, let readers go over."""

from __future__ import annotations

import click

from deploy.replaying import replay_command


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(name: str, as_json: bool) -> None:
    """Rebuild projector NAME from the log beside the running one.

    Readers go over only if both are equal; else the keys that differ are printed and nothing changes. The
    version they leave is kept, older ones are deleted.
    """
    replay_command(name, "rebuild", as_json)
