"""What `kinolog rebuild` and `kinolog verify` share: run a replay, print its report, judge."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final, TypeVar

import click
import orjson
from redis.exceptions import RedisError

from deploy.log_reader import LogError, LogReader
from schemas.catalog import topology
from schemas.errors import ContractError
from streams.core.clients import clickhouse_client, redis_client
from streams.core.logging import configure_logging
from streams.core.settings import Settings, SettingsError, load_settings
from streams.engine.errors import EngineError
from streams.engine.reading import LogAway
from streams.engine.receipts import Report
from streams.engine.replay import Replay
from streams.engine.versions import ReplayRefused

ANSWER_WITHIN_S: Final = 20.0  # a busy machine; a server that is not there refuses at once
T = TypeVar("T")
_EXPECTED: Final = (ContractError, EngineError, LogAway, LogError, RedisError, ReplayRefused, SettingsError)


def replayed(name: str, what: Callable[[Replay], Awaitable[T]], quiet: bool) -> T:
    """What a method of a Replay of `name` found. Expected errors end the command with their sentence."""
    try:
        return asyncio.run(_run(name, what, quiet))
    except _EXPECTED as error:
        raise click.ClickException(str(error)) from error


def judge(report: Report, as_json: bool, remedy: str) -> None:
    """Print the report. Ends the process with 1 if versions differ and readers stayed, after `remedy`."""
    settled = report.equal or report.went_over
    if as_json:
        body = {**asdict(report), "equal": report.equal}
        click.echo(orjson.dumps(body).decode())
    else:
        for partition, differences in report.differing.items():
            click.echo(f"{report.name}[{partition}]: {differences.count} keys differ")
            for key, change in differences.sample.items():
                click.echo(f"  {key}: {change}")
            if differences.count > len(differences.sample):
                click.echo(f"  and {differences.count - len(differences.sample)} more")
        verdict = "equal" if report.equal else f"{len(report.differing)} partitions differ"
        click.echo(f"{report.name}: {report.records} records replayed, {verdict}")
        if report.went_over:
            click.echo(f"readers use version {report.to_version}; version {report.from_version} is kept")
        if report.receipt_missing:
            click.echo(f"the log has no receipt of it: {report.receipt_missing}", err=True)
        if not settled:
            click.echo(remedy, err=True)
    sys.exit(0 if settled else 1)


async def _run(name: str, what: Callable[[Replay], Awaitable[T]], quiet: bool) -> T:
    settings = load_settings()
    configure_logging(settings, "replay")
    client = redis_client(settings)
    try:
        replay = Replay(settings, topology(), name, client, (lambda _: None) if quiet else click.echo)
        try:
            await _reachable(settings, client, replay)
            return await what(replay)
        finally:
            await replay.close()
    finally:
        await client.aclose()


async def _reachable(settings: Settings, client: Any, replay: Replay) -> None:
    """A replay waits for servers that are away; a person who forgot to start them shall not.

    Raises ReplayRefused or LogError with the remedy.
    """
    try:
        await asyncio.wait_for(client.ping(), ANSWER_WITHIN_S)
    except (RedisError, OSError, TimeoutError):
        raise _silent("Redis", settings.redis_url.get_secret_value(), "REDIS_URL") from None
    if replay.in_clickhouse:
        from clickhouse_connect.driver.exceptions import Error  # slow to import

        try:
            await (await asyncio.wait_for(clickhouse_client(settings), ANSWER_WITHIN_S)).close()
        except (Error, OSError, TimeoutError):
            url = settings.clickhouse_url.get_secret_value()
            raise _silent("ClickHouse", url, "CLICKHOUSE_URL") from None
    with LogReader(settings) as log:
        for topic in {place.topic for place in replay.versions.places}:
            await asyncio.to_thread(log.partitions, topic)


def _silent(server: str, url: str, setting: str) -> ReplayRefused:
    where = url.partition("://")[2].rpartition("@")[2]
    return ReplayRefused(f"{server} at {where} does not answer: start it (`kinolog up`) or correct {setting}")
