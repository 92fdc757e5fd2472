"""`kinolog down`: stop the local stack."""

from __future__ import annotations

import click

from deploy.local import operations
from deploy.local.display import console
from deploy.local.layout import Home, default_home


@click.command()
def command() -> None:
    """Stop gateways, then workers, then servers; within 12 s, also what a killed supervisor left behind."""
    home = Home(default_home())
    if not operations.stop(home, console()):
        click.echo(f"No stack runs in {home.root}.")
