"""ClickHouse tables as a single server creates them, or a replicated cluster.

Domains write their DDL once, for a single server: the embedded engine and a ClickHouse server take the same.
On a cluster each table is created on every host, and its engine is the replicated one of the same kind, with
the place in Keeper that ClickHouse's own documents use; `{shard}` and `{replica}` are the servers' macros.
"""

from __future__ import annotations

import re
from typing import Final

PLACE: Final = "/clickhouse/tables/{shard}/{database}/"
_ENGINE: Final = re.compile(r"^ENGINE = (\w*)MergeTree(?:\((.*)\))?$", re.MULTILINE)


def create_table(ddl: str, table: str, cluster: str = "") -> str:
    """The statement that makes `table` where it is not there. `ddl` has `{table}` where its name goes."""
    if cluster:
        ddl = ddl.replace("{table}", "{table}" + on_cluster(cluster), 1)
        ddl = _ENGINE.sub(lambda found: _replicated(found[1], found[2] or "", table), ddl)
        ddl = ddl.replace("non_replicated_deduplication_window", "replicated_deduplication_window")
    return ddl.replace("{table}", table, 1)


def drop_table(table: str, cluster: str = "") -> str:
    """The statement that removes it, on every host, before it returns."""
    return f"DROP TABLE IF EXISTS {table}{on_cluster(cluster)} SYNC"


def on_cluster(cluster: str) -> str:
    """The clause of a statement that every host runs; nothing for a single server."""
    return f" ON CLUSTER '{cluster}'" if cluster else ""


def _replicated(kind: str, arguments: str, table: str) -> str:
    place = f"'{PLACE}{table}', '{{replica}}'"
    return f"ENGINE = Replicated{kind}MergeTree({place}{', ' if arguments else ''}{arguments})"
