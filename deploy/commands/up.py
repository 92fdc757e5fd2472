"""`kinolog up`: start the local stack in the background."""

from __future__ import annotations

import json

import click

from deploy.local import operations
from deploy.local import state as states
from deploy.local.display import console
from deploy.local.layout import Home, default_home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")
def command(as_json: bool) -> None:
    """Start servers and platform in the background; return when all is ready, addresses last.

    Ends with 1 and one sentence a reason if it cannot; nothing runs then. A running stack is left alone.
    """
    home = Home(default_home())
    state = states.running(home.state_file)
    if state is None:
        try:
            state = operations.start(home, console()).state
        except operations.EXPECTED as error:
            raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(operations.summary(home, state), indent=2))
    else:
        operations.print_addresses(home, state, click.echo)
