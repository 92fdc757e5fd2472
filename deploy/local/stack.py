"""The local stack as a list of specs: four servers, three steps, then the platform's processes."""

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


def service_ports(topology: Topology) -> dict[str, int]:
    """Ports of the services and worker processes by name, at the map's defaults."""
    ports: dict[str, int] = {}
    for service in topology.services.values():
        ports[service.name] = service.port
        ports[f"{service.name}_metrics"] = service.metrics_port
    return ports


def server_specs(home: Home, ports: dict[str, int], credentials: dict[str, str]) -> list[Spec]:
    """Servers, and what must exist in them before anything uses them."""
    keys = credentials["s3_access_key"], credentials["s3_secret_key"]
    password = credentials["clickhouse_password"]
    clickhouse_url, s3_url = f"http://{HOST}:{ports['clickhouse']}", f"http://{HOST}:{ports['s3']}"
    return [
        servers.kafka(home, ports),
        servers.redis(home, ports),
        servers.clickhouse(home, ports, password),
        servers.s3(home, ports, *keys),
        StepSpec("database", partial(steps.make_database, clickhouse_url, password), after=("clickhouse",)),
        StepSpec("bucket", partial(steps.make_bucket, s3_url, *keys), after=("s3",)),
        StepSpec("topics", partial(steps.make_topics, f"{HOST}:{ports['kafka']}"), after=("kafka",)),
    ]


def platform_specs(home: Home, ports: dict[str, int], credentials: dict[str, str]) -> list[Spec]:
    """The platform's processes, derived from the map: one worker per app, one gateway per service."""
    topology = load_topology()
    environment = platform_environment(home, ports, credentials)
    needs = (*STEPS, "redis")
    command = [sys.executable, "-m", "deploy.cli"]
    specs: list[Spec] = []
    for service in topology.services.values():
        specs.append(
            ProcessSpec(
                name=f"gateway-{service.name}",
                command=[*command, "gateway", service.name],
                env=environment,
                cwd=CHECKOUT,
                after=needs,
                ready=partial(probes.http_ready, f"http://{HOST}:{ports[service.name]}/ready"),
                stop_grace_s=3.0,
                tier=GATEWAY_TIER,
            )
        )
    return specs


def all_specs(
    home: Home, ports: dict[str, int], credentials: dict[str, str], *, platform: bool
) -> list[Spec]:
    """Everything to run, with or without the platform's own processes."""
    specs = server_specs(home, ports, credentials)
    return specs + platform_specs(home, ports, credentials) if platform else specs
