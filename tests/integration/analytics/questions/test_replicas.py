"""Questions go to each replica in turn, past those that do not answer."""

from __future__ import annotations

import pytest

from deploy.local.launcher import Stack
from deploy.local.ports import free_ports
from gateways.core.clickhouse import ClickHouseHistory, HistoryAway, HistoryUnavailable
from streams.core.settings import Settings


async def test_a_replica_that_is_away_is_passed_by(stack: Stack) -> None:
    url, port = stack.env["CLICKHOUSE_URL"], free_ports(["nobody"])["nobody"]
    nobody = f"http://default:@127.0.0.1:{port}/kinolog"
    history = ClickHouseHistory(Settings(clickhouse_url=nobody, clickhouse_read_urls=f"{nobody},{url}"))
    for _ in range(3):
        assert await history.query("SELECT 1 AS one", {}) == [{"one": 1}]
    with pytest.raises(HistoryUnavailable, match="no_such_table"):
        await history.query("SELECT * FROM no_such_table", {})
    await history.close()


async def test_where_all_are_away_it_is_told_so(stack: Stack) -> None:
    port = free_ports(["nobody"])["nobody"]
    history = ClickHouseHistory(Settings(clickhouse_read_urls=f"http://default:@127.0.0.1:{port}/kinolog"))
    with pytest.raises(HistoryAway):
        await history.ready()
