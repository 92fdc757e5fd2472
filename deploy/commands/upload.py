"""`kinolog upload FILE...`: upload films and print their watch links."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from deploy.client import Api, ApiRefused, Unreachable, watch_link
from deploy.local.display import console
from deploy.uploading import follow, upload


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--title", help="Title of a single file; default: its name.")
@click.option("--wait/--no-wait", default=True, help="Wait until each is ready, showing the transcode.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the assets.")
def command(files: tuple[Path, ...], title: str | None, wait: bool, as_json: bool) -> None:
    """Upload FILES one after another, with a bar each, then print a watch link each.

    Ends with 1 if any of them could not be made into a film.
    """
    if title and len(files) > 1:
        raise click.UsageError("--title is for a single file")
    try:
        assets = asyncio.run(_upload_all(files, title, wait))
    except (ApiRefused, Unreachable) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(assets, indent=2))
    else:
        for asset in assets:
            failure = asset.get("failure")
            click.echo(f"{asset['id']}  {failure['sentence'] if failure else asset['watch']}")
    raise SystemExit(1 if any(asset.get("failure") for asset in assets) else 0)


async def _upload_all(files: tuple[Path, ...], title: str | None, wait: bool) -> list[dict[str, Any]]:
    assets = []
    progress = console()
    async with Api() as api:
        for path in files:
            progress.print(f"{path.name}", highlight=False)
            accepted = await upload(api, progress, path, title or path.stem)
            asset = await follow(api, progress, accepted["id"]) if wait else accepted
            assets.append(asset | {"watch": watch_link(accepted["id"], api.url)})
    return assets
