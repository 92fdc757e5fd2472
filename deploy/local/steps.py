"""One-time steps between servers and platform: the database, the bucket, the topics. All safe to repeat."""

from __future__ import annotations

import asyncio

from deploy.local import probes
from deploy.local.environment import BUCKET, DATABASE


async def make_database(url: str, password: str) -> None:
    """CREATE DATABASE; tables are the projectors' own."""
    import aiohttp

    headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": password}
    async with (
        aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=30)) as session,
        session.post(url + "/", data=f"CREATE DATABASE IF NOT EXISTS {DATABASE}".encode()) as answer,
    ):
        if answer.status != 200:
            raise RuntimeError(f"ClickHouse refused to make the database: {(await answer.text())[:300]}")


async def make_bucket(endpoint: str, access_key: str, secret_key: str) -> None:
    """Make the one bucket if it is not there."""

    def make() -> None:
        client = probes.s3_client(endpoint, access_key, secret_key)
        if not client.bucket_exists(BUCKET):
            client.make_bucket(BUCKET)

    await asyncio.to_thread(make)


async def make_topics(environment: dict[str, str]) -> None:
    """Make every topic of the map and its dead-letter topic, as `kinolog topics create` does."""
    from deploy.topics import create_topics
    from schemas.catalog import load_topology
    from streams.core.settings import Settings

    settings = Settings(**{name.lower(): value for name, value in environment.items()})
    await asyncio.to_thread(create_topics, settings, load_topology())
