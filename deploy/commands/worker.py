"""`kinolog worker APP`: run the agents of one app of the map."""

from __future__ import annotations

import click


@click.command()
@click.argument("app")
@click.option("--instance", help="Stable name of this process among its like; default: INSTANCE.")
@click.option("--metrics-port", type=int, default=0, help="Serve /health, /ready and /metrics here.")
@click.option(
    "--wait-for-go", is_flag=True, hidden=True, help="Load, then wait for a line from the launcher."
)
def command(app: str, instance: str | None, metrics_port: int, wait_for_go: bool) -> None:
    """Run the agents of APP (an entry of `apps` in topology.yaml) until told to stop."""
    from deploy.local import go
    from schemas.catalog import topology
    from schemas.errors import ContractError
    from schemas.wiring import check_functions
    from streams.core.settings import SettingsError, load_settings
    from streams.engine.runtime import run_worker

    try:
        if wait_for_go:
            found = topology()
            check_functions(found, found.agents_of(app))  # loads the agents' code
            go.wait_for_go()
        settings = load_settings(**({"instance": instance} if instance else {}))
        run_worker(settings, topology(), app, metrics_port)
    except (ContractError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
