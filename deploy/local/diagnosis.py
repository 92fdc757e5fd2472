"""The checks of `kinolog doctor`: the pre-flight's, and what each dependency in the settings answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from deploy.local import operations, preflight
from deploy.local import state as states
from deploy.local.layout import Home
from deploy.local.ports import HOST, PortRefused
from deploy.local.preflight import Check
from deploy.topics import differences, wanted_topics
from schemas.catalog import Topology, load_topology
from schemas.errors import ContractError
from streams.core.clients import clickhouse_client, redis_client
from streams.core.objects import ObjectStore
from streams.core.settings import Settings, SettingsError, load_settings
from streams.core.vault import VaultError, open_vault
from streams.core.vault_care import shortcomings

PATIENCE_S = 10.0
OLDEST_REDIS, OLDEST_CLICKHOUSE = 7, 24


async def diagnose(home: Home) -> list[Check]:
    """All findings, in the order a person would look. Never raises for a failing dependency."""
    try:
        topology, settings = load_topology(), load_settings()
        ports = operations.ports_of(home)
    except (ContractError, SettingsError, PortRefused) as error:
        return [Check("settings", False, str(error))]
    checks = [Check("settings", True, "valid"), *preflight.check_all(home, ports)]
    running = states.running(home.state_file)
    local = _is_local(settings)
    if running is None and local:
        return [*checks, Check("stack", True, f"not running in {home.root}; `kinolog up` starts it")]
    checks += await asyncio.gather(
        _asked("kafka", lambda: _kafka(settings)),
        _asked("topics", lambda: _topics(settings, topology)),
        _asked("redis", lambda: _redis(settings)),
        _asked("vault", lambda: _vault(settings)),
        _asked("clickhouse", lambda: _clickhouse(settings)),
        _asked("s3", lambda: _s3(settings)),
    )
    if running is not None:
        for process in running.processes:
            restarted = f", restarted {process.restarts} times" if process.restarts else ""
            ok = process.status == "ready"
            detail = f"{process.status}{restarted}"
            checks.append(
                Check(process.name, ok, detail if ok else f"{detail}: see {home.logs / process.name}.log")
            )
        checks += await asyncio.gather(
            *(
                _asked(f"service {name}", lambda port=running.ports[name]: _service(port))  # type: ignore[misc]
                for name in topology.services
            )
        )
    return checks


def _is_local(settings: Settings) -> bool:
    return bool(settings.kafka_bootstrap_servers == Settings.model_fields["kafka_bootstrap_servers"].default)


async def _asked(name: str, ask: Callable[[], Awaitable[str]]) -> Check:
    """Ask one dependency; its error becomes the sentence."""
    try:
        return Check(name, True, await asyncio.wait_for(ask(), PATIENCE_S))
    except Unfit as unfit:
        return Check(name, False, str(unfit))
    except TimeoutError:
        return Check(name, False, f"no answer within {PATIENCE_S:g} s: see whether it hangs, and its log.")
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Check(
            name, False, f"{reason}: check its URL in the settings (`kinolog config`) and that it runs."
        )


class Unfit(Exception):
    """A dependency answers, and is not what we need; the text is the sentence."""


async def _kafka(settings: Settings) -> str:
    from confluent_kafka.admin import AdminClient

    def ask() -> str:
        client = AdminClient(settings.kafka_client() | {"log_level": 0, "error_cb": lambda _error: None})
        found = client.list_topics(timeout=PATIENCE_S / 2)
        return f"{len(found.brokers)} brokers, cluster {found.cluster_id}"

    return await asyncio.to_thread(ask)


async def _topics(settings: Settings, topology: Topology) -> str:
    wanted = wanted_topics(topology, settings)
    drift = await asyncio.to_thread(differences, settings, wanted)
    if drift:
        first = drift[0]
        raise Unfit(
            f"{len(drift)} differences from the map, as {first.topic}: {first.what} is {first.found}, not "
            f"{first.expected}: `kinolog topics diff` lists them, `kinolog topics create` mends what it can."
        )
    return f"{len(wanted)} as the map says"


async def _redis(settings: Settings) -> str:
    client = redis_client(settings)
    try:
        info: Any = await client.info("server")
    finally:
        await client.aclose()
    version = str(info.get("valkey_version") or info["redis_version"])
    name = "Valkey" if "valkey_version" in info else "Redis"
    if int(str(info["redis_version"]).split(".")[0]) < OLDEST_REDIS:
        raise Unfit(f"{name} {version} is too old: version {OLDEST_REDIS} or newer is needed.")
    return f"{name} {version}"


async def _vault(settings: Settings) -> str:
    try:
        vault = open_vault(settings)
        try:
            await vault.ready()
            wrong = await shortcomings(vault)
        finally:
            await vault.aclose()
    except VaultError as error:
        raise Unfit(str(error)) from error
    if wrong:
        raise Unfit(wrong[0])
    return f"opens with key {vault.kms.active_key_id}"


async def _clickhouse(settings: Settings) -> str:
    client = await clickhouse_client(settings)
    try:
        version = str(await client.command("SELECT version()"))
    finally:
        await client.close()
    if int(version.split(".")[0]) < OLDEST_CLICKHOUSE:
        raise Unfit(f"ClickHouse {version} is too old: version {OLDEST_CLICKHOUSE} or newer is needed.")
    return f"ClickHouse {version}"


async def _s3(settings: Settings) -> str:
    async with ObjectStore(settings) as objects:
        await objects.check()
    return f"bucket {settings.s3_bucket}"


async def _service(port: int) -> str:
    url = f"http://{HOST}:{port}/ready"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        if answer.status != 200:
            raise Unfit(f"not ready: {unready(await answer.read(), answer.status)}")
    return f"http://{HOST}:{port}"


def unready(body: bytes, status: int) -> str:
    """The sentence of a /ready that says no; what answered instead, if that is no answer of ours."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"/ready answers {status}, and not as Kinolog's services do: what listens on this port?"
