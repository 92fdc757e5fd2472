"""Readiness probes: each asks its server to do real work. An open port is not readiness.

Their clients are imported at the first question, when the servers are already starting.
"""

from __future__ import annotations

import asyncio
from typing import Any

from deploy.local.spec import NotReady

PROBE_TIMEOUT_S = 3.0


async def kafka(bootstrap: str) -> None:
    """Cluster metadata with at least one broker."""
    from confluent_kafka.admin import AdminClient

    def ask() -> None:
        config: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 2000}
        # Errors of the connection are this probe's answer, not lines on the console.
        client = AdminClient(config | {"error_cb": lambda _error: None})
        if not client.list_topics(timeout=PROBE_TIMEOUT_S).brokers:
            raise NotReady("the broker is not in its own metadata yet")

    await asyncio.to_thread(ask)


async def redis(url: str) -> None:
    """PING; a server that still loads its file answers LOADING, which is an error here."""
    import redis.asyncio as client

    connection = client.Redis.from_url(url, socket_timeout=PROBE_TIMEOUT_S)
    try:
        await connection.ping()
    finally:
        await connection.aclose()


async def clickhouse(url: str, password: str) -> None:
    """SELECT 1 with the stack's password."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)
    headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": password}
    async with (
        aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
        session.get(url + "/", params={"query": "SELECT 1"}) as answer,
    ):
        text = (await answer.text()).strip()
        if text != "1":
            raise NotReady(f"SELECT 1 answered {answer.status} {text[:100]!r}")


async def s3(endpoint: str, access_key: str, secret_key: str) -> None:
    """A signed request; a wrong secret is an error, a bucket that does not exist yet is not."""
    client = s3_client(endpoint, access_key, secret_key)
    await asyncio.to_thread(client.bucket_exists, "kinolog-readiness")


def s3_client(endpoint: str, access_key: str, secret_key: str) -> Any:
    """A minio client that gives up at once: the caller repeats."""
    import urllib3
    from minio import Minio

    host = endpoint.removeprefix("http://").removeprefix("https://")
    pool = urllib3.PoolManager(timeout=PROBE_TIMEOUT_S, retries=False)
    return Minio(
        host,
        access_key,
        secret_key,
        secure=endpoint.startswith("https:"),
        http_client=pool,
        region="us-east-1",
    )


async def http_ready(url: str) -> None:
    """A platform process: 200 on its /ready (which names what is missing otherwise)."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        if answer.status != 200:
            raise NotReady(f"{url} answered {answer.status}: {(await answer.text())[:200]}")
