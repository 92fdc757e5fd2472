"""`kinolog config`: every setting with its type, default, meaning and value in force."""

from __future__ import annotations

import click
from rich.markup import escape
from rich.table import Table

from deploy.commands._common import console, errors_as_sentences, print_json, settings
from streams.core.settings_doc import setting_rows


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(as_json: bool) -> None:
    """Print the settings. Secrets are shown as (hidden)."""
    with errors_as_sentences():
        rows = list(setting_rows(settings()))
    if as_json:
        print_json([row._asdict() for row in rows])
        return
    table = Table(
        "setting", "value", "type", "default", "meaning", box=None, header_style="bold", pad_edge=False
    )
    for row in rows:
        value = f"[bold]{escape(row.value)}[/bold]" if row.value != row.default else escape(row.value)
        table.add_row(
            row.name, value, escape(row.type), row.default if row.value != row.default else "", row.doc
        )
    console().print(table)
