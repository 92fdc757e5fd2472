"""`kinolog doctor`: what would keep the platform from working, each with its remedy."""

from __future__ import annotations

import asyncio
import json

import click
from rich.console import Console
from rich.markup import escape

from deploy.local import diagnosis
from deploy.local.layout import Home, default_home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print {ok, checks} as JSON.")
def command(as_json: bool) -> None:
    """Check the machine, the tools, each dependency in reach and the topics. Ends with 1 if any fails.

    Uses the settings of the environment, so it also checks production from where it runs.
    """
    checks = asyncio.run(diagnosis.diagnose(Home(default_home())))
    ok = all(check.ok for check in checks)
    if as_json:
        listed = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
        click.echo(json.dumps({"ok": ok, "checks": listed}, indent=2))
    else:
        console = Console(soft_wrap=True, highlight=False)
        for check in checks:
            sign = "[green]✓[/]" if check.ok else "[red]✗[/]"
            console.print(f"{sign} {check.name:<22} {escape(check.detail)}")
    raise SystemExit(0 if ok else 1)
