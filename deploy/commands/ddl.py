"""`kinolog ddl`: the ClickHouse tables of the map, as statements."""

from __future__ import annotations

import click

from deploy.commands._common import errors_as_sentences
from schemas.catalog import load_topology
from schemas.ddl import create_table
from schemas.wiring import check_functions
from streams.engine.agents import TABLES


@click.command()
@click.option(
    "--cluster", metavar="NAME", default="", help="As a replicated cluster takes them (CLICKHOUSE_CLUSTER)."
)
def command(cluster: str) -> None:
    """Print the statements that make every ClickHouse table; workers run them by themselves.

    The embedded engine and a ClickHouse server take the same ones.
    """
    with errors_as_sentences():
        topology = load_topology()
        agents = [agent for agent in topology.agents.values() if agent.store == "clickhouse"]
        functions = check_functions(topology, agents)
    tables = {agent.table: getattr(functions[agent.name], TABLES)[agent.name] for agent in agents}
    for table, ddl in sorted(tables.items()):
        click.echo(create_table(ddl, table, cluster).rstrip() + ";\n")
