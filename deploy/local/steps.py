"""One-time steps between servers and platform: the database, the bucket, the topics. All safe to repeat."""

from __future__ import annotations

import asyncio

import aiohttp

from deploy.local import probes
from deploy.local.environment import BUCKET, DATABASE


async def make_database(url: str, password: str) -> None:
    """CREATE DATABASE; tables are the projectors' own."""
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


async def make_topics(bootstrap: str) -> None:
    """Make every topic of the map and its dead-letter topic; existing ones are left as they are."""
    await asyncio.to_thread(_make_topics, bootstrap)


def _make_topics(bootstrap: str) -> None:
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    from schemas.catalog import load_topology

    topology = load_topology()
    wanted = []
    for topic in topology.topics.values():
        for name, partitions, retention in (
            (topic.name, topic.partitions, topic.retention),
            (topic.dlq, 1, topology.dead_letters),
        ):
            config = {"retention.ms": str(retention.retention_ms), "compression.type": retention.compression}
            wanted.append(NewTopic(name, num_partitions=partitions, replication_factor=1, config=config))
    if not wanted:
        return
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for name, future in client.create_topics(wanted, operation_timeout=30).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise RuntimeError(f"topic {name} could not be made: {error.args[0].str()}") from error
