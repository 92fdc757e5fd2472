"""`kinolog status`: what runs, since when, where."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table

from deploy.local import operations
from deploy.local import state as states
from deploy.local.layout import Home, default_home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")
def command(as_json: bool) -> None:
    """Show the stack of $KINOLOG_HOME. Ends with 0 if it is ready, 1 if not."""
    home = Home(default_home())
    state = states.running(home.state_file)
    if state is None:
        last = states.read(home.state_file)
        reason = f" The last start failed: {last.error}" if last and last.error else ""
        if as_json:
            click.echo(
                json.dumps(
                    {"phase": "stopped", "home": str(home.root), "error": last.error if last else None}
                )
            )
        else:
            click.echo(f"No stack runs in {home.root}.{reason} `kinolog up` starts it.")
        raise SystemExit(1)
    if as_json:
        click.echo(json.dumps(operations.summary(home, state), indent=2))
    else:
        table = Table("process", "status", "pid", "restarts", "ready after", box=None, header_style="bold")
        for process in state.processes:
            took = f"{process.ready_after_s:.1f} s" if process.ready_after_s is not None else ""
            pid = str(process.pid or "")
            table.add_row(process.name, process.status, pid, str(process.restarts), took)
        Console().print(table)
        operations.print_addresses(home, state, click.echo)
    raise SystemExit(0 if state.phase == "ready" else 1)
