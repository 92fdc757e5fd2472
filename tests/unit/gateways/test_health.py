"""Alive, ready by dependency, metrics; on API ports and metrics ports of all services."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp import web
from pydantic import SecretStr

from deploy.local import ports
from gateways.core import health
from gateways.core.app import Service, create_app, metrics_app
from gateways.core.deps import CoreDeps
from gateways.core.permissions import PUBLIC
from gateways.core.routes import Route
from gateways.core.server import Listening, PortInUse, Server
from gateways.core.sse import DRAINING
from gateways.process import check_services
from gateways.process import serve as serve_process
from gateways.services import SERVICES
from schemas.catalog import Topology, load_topology
from schemas.errors import ContractError
from streams.core.settings import Settings
from tests.unit.gateways.conftest import Serve


def free_ports(count: int) -> Iterator[int]:
    yield from ports.free_ports(map(str, range(count))).values()


async def test_ready_names_each_dependency_and_hides_addresses(core: CoreDeps, serve: Serve) -> None:
    async def fine() -> None:
        return None

    async def broken() -> None:
        raise ConnectionError("redis://user:password@10.0.0.5 refused")

    deps = dataclasses.replace(core, probes={"kafka": fine, "redis": broken})
    client = await serve(create_app(Service(name="chat"), deps))
    answer = await client.get("/ready")
    body = await answer.json()
    assert answer.status == 503
    assert (body["status"], body["detail"]) == ("not-ready", "Redis does not answer.")
    assert body["dependencies"]["kafka"]["ok"] is True
    assert body["dependencies"]["redis"] == {
        "ok": False,
        "latency_ms": body["dependencies"]["redis"]["latency_ms"],
        "error": "ConnectionError",
    }
    assert "password" not in await answer.text()
    assert (await client.get("/health")).status == 200


async def test_a_frozen_dependency_is_named_by_ready_and_by_the_answers_that_wait_for_it(
    core: CoreDeps, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.core.health.PROBE_TIMEOUT_S", 0.05)

    async def fine() -> None:
        return None

    async def frozen(*_: object) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    route = Route(
        method="GET", path="/slow", handler=frozen, permission=PUBLIC, summary="Waits", timeout_s=0.05
    )
    deps = dataclasses.replace(core, probes={"kafka": fine, "redis": frozen, "objects": frozen})
    client = await serve(create_app(Service(name="chat", routes=(route,)), deps))
    ready = await (await client.get("/ready")).json()
    assert ready["detail"] == "Redis and the object store do not answer."
    assert ready["dependencies"]["redis"]["error"] == "no answer within 0.05 s"
    late = await client.get("/slow")
    assert late.status == 504
    detail = (await late.json())["detail"]
    assert detail.startswith("There was no answer within 0.05 s: Redis and the object store do not answer.")


async def test_a_draining_service_is_alive_but_not_ready(core: CoreDeps, serve: Serve) -> None:
    app = create_app(Service(name="chat"), core)
    client = await serve(app)
    assert (await client.get("/ready")).status == 200
    app[DRAINING].set()
    answer = await client.get("/ready")
    assert (answer.status, (await answer.json())["status"]) == (503, "draining")
    assert (await client.get("/health")).status == 200


async def test_probes_run_once_however_many_ask(core: CoreDeps, serve: Serve) -> None:
    runs = 0

    async def counted() -> None:
        nonlocal runs
        runs += 1

    config = dataclasses.replace(core.config, ready_cache_s=3600)
    client = await serve(
        create_app(Service(name="chat"), dataclasses.replace(core, config=config, probes={"kafka": counted}))
    )
    await asyncio.gather(*(client.get("/ready") for _ in range(20)))
    assert runs == 1


async def test_the_metrics_app_has_the_same_and_nothing_else(core: CoreDeps, serve: Serve) -> None:
    client = await serve(metrics_app(create_app(Service(name="chat"), core)))
    for path in ("/health", "/ready", "/metrics"):
        assert (await client.get(path)).status == 200
    assert (await client.get("/docs")).status == 404
    assert "kinolog_http_seconds" in await (await client.get("/metrics")).text()


@pytest.fixture
def moved(tmp_path: Path) -> Topology:
    """The map with every port moved to a free one."""
    raw = yaml.safe_load(load_topology().path.read_text())
    free = free_ports(2 * len(raw["services"]))
    for service in raw["services"].values():
        service["port"], service["metrics_port"] = next(free), next(free)
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump(raw))
    return load_topology(path)


async def test_one_process_answers_on_all_twelve_ports_without_its_dependencies(
    moved: Topology, redis_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 20.0)  # those that are away refuse at once
    (unused,) = free_ports(1)
    settings = Settings(
        kafka_bootstrap_servers=f"127.0.0.1:{unused}",
        redis_url=SecretStr(f"redis://127.0.0.1:{redis_port}"),
        vault_url=SecretStr(f"redis://127.0.0.1:{unused}"),
        clickhouse_url=SecretStr(f"http://127.0.0.1:{unused}"),
        s3_endpoint=f"http://127.0.0.1:{unused}",
        s3_access_key=SecretStr("nobody"),
        s3_secret_key=SecretStr("nothing"),
        kinolog_home=tmp_path,
    )
    stop, listening = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(serve_process(settings, moved, list(SERVICES), stop, listening.set))
    await asyncio.wait({running, asyncio.create_task(listening.wait())}, return_when="FIRST_COMPLETED")
    if running.done():
        await running
    async with aiohttp.ClientSession() as http:
        for name, service in moved.services.items():
            for port in (service.port, service.metrics_port):
                base = f"http://127.0.0.1:{port}"
                async with http.get(f"{base}/health") as answer:
                    assert await answer.json() == {"status": "alive", "service": name}
                async with http.get(f"{base}/metrics") as answer:
                    assert answer.status == 200
                async with http.get(f"{base}/ready") as answer:
                    found = await answer.json()
                    assert set(found["dependencies"]) == set(SERVICES[name].needs)
                    away = set(SERVICES[name].needs) - {"redis"}
                    assert answer.status == (503 if away else 200)
                    assert {n for n, state in found["dependencies"].items() if not state["ok"]} == away
            for path in ("/openapi.json", "/docs"):
                async with http.get(f"http://127.0.0.1:{service.port}{path}") as answer:
                    assert answer.status == 200
    stop.set()
    await running


async def test_a_port_in_use_is_named_and_nothing_stays_open(core: CoreDeps) -> None:
    first, second = free_ports(2)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", second))
        taken.listen()
        app = create_app(Service(name="chat"), core)
        server = Server([Listening("chat", app, first, second)], "127.0.0.1", 1.0)
        with pytest.raises(PortInUse, match=f"chat metrics: 127.0.0.1:{second}"):
            await server.start()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", first)) != 0


def test_an_unknown_service_is_named() -> None:
    with pytest.raises(ContractError, match="choir"):
        check_services(load_topology(), ["choir"])
