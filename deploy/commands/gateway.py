"""`kinolog gateway SERVICE...`: run HTTP services, one process for one or several of them."""

from __future__ import annotations

import asyncio
import resource
import signal

import click


@click.command()
@click.argument("services", nargs=-1)
@click.option("--all", "run_all", is_flag=True, help="Run every service of the map in this process.")
@click.option(
    "--wait-for-go", is_flag=True, hidden=True, help="Load, then wait for a line from the launcher."
)
def command(services: tuple[str, ...], run_all: bool, wait_for_go: bool) -> None:
    """Run SERVICES (names in topology.yaml, such as `streaming`) until told to stop.

    SIGTERM drains: streams end, running requests get up to three seconds.
    """
    import uvloop

    from deploy.local import go
    from gateways.core.routes import RouteError
    from gateways.core.server import PortInUse
    from gateways.process import serve
    from schemas.catalog import topology
    from schemas.errors import ContractError
    from streams.core import metrics
    from streams.core.logging import configure_logging
    from streams.core.settings import SettingsError, load_settings
    from streams.core.vault import VaultUnusable

    try:
        settings, found = load_settings(), topology()
        names = list(found.services) if run_all else list(dict.fromkeys(services))
        if not names:
            raise click.UsageError(f"name a service ({', '.join(found.services)}), or give --all")
        # A connection is a file; shells often allow a thousand where the system allows far more.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        configure_logging(settings, "gateway" if len(names) > 1 else f"gateway-{names[0]}")
        metrics.initialise(found)
        if wait_for_go:
            go.wait_for_go()

        async def main() -> None:
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await serve(settings, found, names, stop)

        uvloop.run(main())
    except (ContractError, PortInUse, RouteError, SettingsError, VaultUnusable) as error:
        raise click.ClickException(str(error)) from error
