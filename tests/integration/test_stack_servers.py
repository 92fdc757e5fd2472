"""The shared stack answers every client the platform uses."""

from __future__ import annotations

import redis
from confluent_kafka.admin import AdminClient

from deploy.local.launcher import Stack
from deploy.local.probes import s3_client
from schemas.catalog import load_topology
from streams.core.clients import clickhouse_client


def test_topics_of_the_map_exist_with_their_partitions(stack: Stack) -> None:
    found = (
        AdminClient({"bootstrap.servers": stack.env["KAFKA_BOOTSTRAP_SERVERS"]})
        .list_topics(timeout=60)
        .topics
    )
    for topic in load_topology().topics.values():
        assert len(found[topic.name].partitions) == topic.partitions
        assert len(found[topic.dlq].partitions) == 1


def test_redis_answers(stack: Stack) -> None:
    assert redis.Redis.from_url(stack.env["REDIS_URL"]).ping()


async def test_clickhouse_has_the_database(stack: Stack) -> None:
    client = await clickhouse_client(stack.settings)
    assert (await client.query("SELECT currentDatabase()")).result_rows == [("kinolog",)]
    await client.close()


def test_bucket_exists(stack: Stack) -> None:
    env = stack.env
    client = s3_client(env["S3_ENDPOINT"], env["S3_ACCESS_KEY"], env["S3_SECRET_KEY"])
    assert client.bucket_exists(env["S3_BUCKET"])
