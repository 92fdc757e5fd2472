"""`kinolog generate`: write the files that derive from the map, the schemas and the settings."""

from __future__ import annotations

import click

from deploy.generated import CHECKOUT, generated_files, write
from schemas.catalog import load_topology
from schemas.errors import ContractError


@click.command("generate")
def command() -> None:
    """Write typed dicts, AsyncAPI, OpenAPI, .env.example and the README's diagram where stale."""
    try:
        written = write(generated_files(load_topology()))
    except ContractError as error:
        raise click.ClickException(str(error)) from None
    for path in written:
        click.echo(f"wrote {path.relative_to(CHECKOUT)}")
    if not written:
        click.echo("all generated files are up to date")
