"""`kinolog worker APP`: run the agents of one app of the map."""

from __future__ import annotations

import click


@click.command()
@click.argument("app")
@click.option("--instance", help="Stable name of this process among its like; default: INSTANCE.")
@click.option("--metrics-port", type=int, default=0, help="Serve /health, /ready and /metrics here.")
def command(app: str, instance: str | None, metrics_port: int) -> None:
    """Run the agents of APP (an entry of `apps` in topology.yaml) until told to stop."""
    from schemas.catalog import topology
    from schemas.errors import ContractError
    from streams.core.settings import SettingsError, load_settings
    from streams.engine.runtime import run_worker

    try:
        settings = load_settings(**({"instance": instance} if instance else {}))
        run_worker(settings, topology(), app, metrics_port)
    except (ContractError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
