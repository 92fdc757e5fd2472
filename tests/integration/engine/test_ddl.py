"""The statements that make tables, before ClickHouse's own parser: for a single server, for a cluster."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from deploy.commands.ddl import command
from deploy.local.launcher import Stack
from schemas.catalog import load_topology
from schemas.ddl import create_table, drop_table
from streams.core.clients import clickhouse_client


def statements(*options: str) -> list[str]:
    answer = CliRunner().invoke(command, options)
    assert answer.exit_code == 0, answer.output
    return [one for one in answer.output.split(";\n") if one.strip()]


@pytest.mark.parametrize("options", [(), ("--cluster", "video")])
async def test_the_engine_reads_every_statement(stack: Stack, options: tuple[str, ...]) -> None:
    """A cluster cannot be run here: what is proved is that its statements are ClickHouse's language."""
    client = await clickhouse_client(stack.settings)
    found = statements(*options)
    tables = {agent.table for agent in load_topology().agents.values() if agent.store == "clickhouse"}
    assert len(found) == len(tables)
    try:
        for statement in found:
            tree = await client.query(f"EXPLAIN AST {statement}")
            assert "CreateQuery" in tree.result_rows[0][0], statement
    finally:
        await client.close()


def test_on_a_cluster_every_table_is_replicated_and_every_host_has_it() -> None:
    for one, many in zip(statements(), statements("--cluster", "video"), strict=True):
        table = re.search(r"EXISTS (\w+)\n", one)
        kind = re.search(r"ENGINE = (\w*)MergeTree(?:\((.*)\))?\n", one)
        assert table is not None
        assert kind is not None
        place = f"'/clickhouse/tables/{{shard}}/{{database}}/{table[1]}', '{{replica}}'"
        arguments = f"{place}, {kind[2]}" if kind[2] else place
        assert f"EXISTS {table[1]} ON CLUSTER 'video'\n" in many
        assert f"ENGINE = Replicated{kind[1]}MergeTree({arguments})\n" in many
        assert "non_replicated" not in many
        assert " replicated_deduplication_window" in many


def test_columns_stay_as_they_are() -> None:
    ddl = "CREATE TABLE IF NOT EXISTS {table}\n(\n    a String COMMENT 'of {table}'\n)\nENGINE = MergeTree\n"
    assert create_table(ddl, "t_v2") == ddl.replace("{table}", "t_v2", 1)
    assert drop_table("t") == "DROP TABLE IF EXISTS t SYNC"
    assert drop_table("t", "video") == "DROP TABLE IF EXISTS t ON CLUSTER 'video' SYNC"
