"""What `kinolog rebuild` and `kinolog verify` share: run a replay, print its report, judge."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import Any, Literal

import click
import orjson
from redis.exceptions import RedisError

from deploy.log_reader import LogError, LogReader
from schemas.catalog import topology
from schemas.errors import ContractError
from streams.core.clients import redis_client
from streams.core.settings import Settings, SettingsError, load_settings
from streams.engine.receipts import Report
from streams.engine.replay import Replay, ReplayRefused

ANSWER_WITHIN_S = 5.0


def replay_command(name: str, what: Literal["rebuild", "verify"], as_json: bool) -> None:
    """Run it and print. Ends the process with 1 if the versions differ."""
    try:
        report = asyncio.run(_run(name, what, as_json))
    except (ContractError, LogError, SettingsError, ReplayRefused) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        body = {**asdict(report), "equal": report.equal}
        click.echo(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS).decode())
    else:
        for partition, keys in report.differing.items():
            click.echo(f"{name}[{partition}] differs in ranges {report.ranges[partition]}:")
            for key in keys:
                click.echo(f"  {key}")
        verdict = "equal" if report.equal else f"{len(report.differing)} partitions differ"
        click.echo(f"{name}: {report.records} records replayed, {verdict}")
        if what == "rebuild" and report.equal:
            click.echo(f"readers went over from version {report.from_version} to {report.to_version}")
            if report.receipt_missing:
                click.echo(f"the log has no receipt of it: {report.receipt_missing}", err=True)
    sys.exit(0 if report.equal else 1)


async def _run(name: str, what: str, quiet: bool) -> Report:
    settings = load_settings()
    client = redis_client(settings)
    try:
        say = (lambda _: None) if quiet else click.echo
        await _reachable(settings, client, topology().agent(name).reads)
        replay = Replay(settings, topology(), name, client, say)
        try:
            return await (replay.rebuild() if what == "rebuild" else replay.verify())
        finally:
            replay.close()
    finally:
        await client.aclose()


async def _reachable(settings: Settings, client: Any, topic: str) -> None:
    """A replay waits for servers that are away; a person who forgot to start them shall not.

    Raises ReplayRefused or LogError with the remedy.
    """
    try:
        await asyncio.wait_for(client.ping(), ANSWER_WITHIN_S)
    except (RedisError, OSError, TimeoutError):
        where = settings.redis_url.get_secret_value().rpartition("@")[2].removeprefix("redis://")
        raise ReplayRefused(
            f"Redis at {where} does not answer: start it (`kinolog up`) or correct REDIS_URL"
        ) from None
    with LogReader(settings) as log:
        await asyncio.to_thread(log.partitions, topic)
