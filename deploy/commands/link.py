"""`kinolog link ASSET`: print a watch link."""

from __future__ import annotations

import asyncio

import click

from deploy.client import Api, ApiRefused, NoSecret, Unreachable, watch_link


@click.command()
@click.argument("asset_id")
def command(asset_id: str) -> None:
    """Print a link that opens ASSET_ID in a browser without a key, for a quarter of an hour."""
    try:
        click.echo(watch_link(asset_id, asyncio.run(_check(asset_id))))
    except (ApiRefused, NoSecret, Unreachable) as error:
        raise click.ClickException(str(error)) from None


async def _check(asset_id: str) -> str:
    async with Api() as api:
        await api.asset(asset_id)
        return api.url
