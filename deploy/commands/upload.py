"""`kinolog upload FILE...`: upload films and print their watch links."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from deploy.client import Api, ApiRefused, Unreachable, link_or_page
from deploy.local.display import console
from deploy.uploading import follow, upload
from schemas.media.visibility import PRIVATE, VISIBILITIES


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--title", help="Title of a single file; default: its name.")
@click.option(
    "--visibility",
    type=click.Choice(VISIBILITIES),
    default=PRIVATE,
    show_default=True,
    help="Who may see them: everybody, who has the address, or you.",
)
@click.option("--wait/--no-wait", default=True, help="Wait until each is ready, showing the transcode.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the assets.")
def command(files: tuple[Path, ...], title: str | None, visibility: str, wait: bool, as_json: bool) -> None:
    """Upload FILES one after another, with a bar and a watch link each.

    Ends with 1 if any of them could not be made into a film; the others still are.
    """
    if title and len(files) > 1:
        raise click.UsageError("--title is for a single file")
    try:
        assets = asyncio.run(_upload_all(files, title, visibility, wait, say_each=not as_json))
    except Unreachable as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(assets, indent=2))
    raise SystemExit(1 if len(assets) < len(files) or any(asset.get("failure") for asset in assets) else 0)


async def _upload_all(
    files: tuple[Path, ...], title: str | None, visibility: str, wait: bool, *, say_each: bool
) -> list[dict[str, Any]]:
    """The assets of those files that were taken; a refused one is said on stderr, the others go on."""
    assets = []
    progress = console()
    async with Api() as api:
        for path in files:
            progress.print(f"{path.name}", highlight=False)
            try:
                asset = await upload(api, progress, path, title or path.stem, visibility)
                if wait:
                    asset = await follow(api, progress, asset["id"])
            except ApiRefused as refused:
                click.echo(f"Error: {path.name}: {refused}", err=True)
                continue
            assets.append(asset | {"watch": link_or_page(asset["id"], api.url)})
            if say_each:
                failure = asset.get("failure")
                click.echo(f"{asset['id']}  {failure['sentence'] if failure else assets[-1]['watch']}")
    return assets
