"""The local stack as a list of specs: five servers, three steps, then the platform's processes."""

from __future__ import annotations

import sys
from functools import partial

from deploy.local import probes, servers, steps
from deploy.local.environment import platform_environment
from deploy.local.layout import CHECKOUT, Home
from deploy.local.ports import HOST
from deploy.local.spec import ProcessSpec, Spec, StepSpec
from schemas.catalog import Topology, load_topology

STEPS = ("database", "bucket", "topics")
WORKER_TIER, GATEWAY_TIER = 1, 2
FIRST_WORKER_PORT = 19200


def service_ports(topology: Topology) -> dict[str, int]:
    """Default ports by name: services as on the map, workers' metrics ports behind one another."""
    ports: dict[str, int] = {}
    for service in topology.services.values():
        ports[service.name] = service.port
        ports[f"{service.name}_metrics"] = service.metrics_port
    for number, app in enumerate(topology.apps):
        ports[worker_port(app)] = FIRST_WORKER_PORT + number
    return ports


def worker_port(app: str) -> str:
    """Name of the port where a worker process answers /health, /ready and /metrics."""
    return f"worker_{app.replace('-', '_')}"


def server_specs(home: Home, ports: dict[str, int], credentials: dict[str, str]) -> list[Spec]:
    """Servers, and what must exist in them before anything uses them."""
    keys = credentials["s3_access_key"], credentials["s3_secret_key"]
    password = credentials["clickhouse_password"]
    environment = platform_environment(home, ports, credentials)
    clickhouse_url, s3_url = f"http://{HOST}:{ports['clickhouse']}", f"http://{HOST}:{ports['s3']}"
    return [
        servers.kafka(home, ports),
        servers.redis(home, ports),
        servers.vault(home, ports, credentials["vault_password"]),
        servers.clickhouse(home, ports, password),
        servers.s3(home, ports, *keys),
        StepSpec("database", partial(steps.make_database, clickhouse_url, password), after=("clickhouse",)),
        StepSpec("bucket", partial(steps.make_bucket, s3_url, *keys), after=("s3",)),
        StepSpec("topics", partial(steps.make_topics, environment), after=("kafka",)),
    ]


def platform_specs(home: Home, ports: dict[str, int], credentials: dict[str, str]) -> list[Spec]:
    """The platform's processes, derived from the map: one worker an app, the gateways in one process."""
    topology = load_topology()
    environment = platform_environment(home, ports, credentials)
    command = [sys.executable, "-m", "deploy.cli"]
    specs: list[Spec] = []
    for app in topology.apps:
        port = str(ports[worker_port(app)])
        specs.append(
            ProcessSpec(
                name=f"worker-{app}",
                command=[*command, "worker", app, "--metrics-port", port, "--wait-for-go"],
                env=environment,
                cwd=CHECKOUT,
                go_after=(*STEPS, "redis", "vault"),
                ready=partial(probes.http_ready, f"http://{HOST}:{port}/ready"),
                stop_grace_s=4.0,
                tier=WORKER_TIER,
            )
        )
    specs.append(
        ProcessSpec(
            name="gateways",
            command=[*command, "gateway", "--all", "--wait-for-go"],
            env=environment,
            cwd=CHECKOUT,
            go_after=(*STEPS, "redis", "vault"),
            ready=partial(_services_ready, [ports[name] for name in topology.services]),
            stop_grace_s=3.5,
            tier=GATEWAY_TIER,
        )
    )
    return specs


async def _services_ready(ports: list[int]) -> None:
    for port in ports:
        await probes.http_ready(f"http://{HOST}:{port}/ready")


def all_specs(
    home: Home, ports: dict[str, int], credentials: dict[str, str], *, platform: bool
) -> list[Spec]:
    """Everything to run, with or without the platform's own processes."""
    specs = server_specs(home, ports, credentials)
    return specs + platform_specs(home, ports, credentials) if platform else specs
