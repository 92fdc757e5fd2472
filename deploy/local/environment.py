"""Environment of the platform's processes: every URL and secret of this stack, by the settings' names."""

from __future__ import annotations

import os

import yaml

from deploy.local.credentials import sha256_hex
from deploy.local.layout import Home
from deploy.local.ports import HOST
from schemas.catalog import Topology
from schemas.roots import topology_file

BUCKET = "kinolog"
DATABASE = "kinolog"


def platform_environment(home: Home, ports: dict[str, int], credentials: dict[str, str]) -> dict[str, str]:
    """What `streams.core.settings` reads. Production sets the same names to other URLs."""
    password = credentials["clickhouse_password"]
    return {
        "KINOLOG_HOME": str(home.root),
        "TOPOLOGY_FILE": str(home.topology_file if home.topology_file.exists() else topology_file()),
        "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{ports['kafka']}",
        "REDIS_URL": f"redis://{HOST}:{ports['redis']}",
        "VAULT_URL": f"redis://:{credentials['vault_password']}@{HOST}:{ports['vault']}",
        "CLICKHOUSE_URL": f"http://default:{password}@{HOST}:{ports['clickhouse']}/{DATABASE}",
        "S3_ENDPOINT": f"http://{HOST}:{ports['s3']}",
        "S3_ACCESS_KEY": credentials["s3_access_key"],
        "S3_SECRET_KEY": credentials["s3_secret_key"],
        "S3_BUCKET": BUCKET,
        "BIND_HOST": HOST,
        "ADMIN_API_KEY_SHA256": sha256_hex(credentials["admin_api_key"]),
        "SESSION_SECRET": credentials["session_secret"],
    }


def write_environment(home: Home, environment: dict[str, str]) -> None:
    """Keep it in `run/stack.env` (0600): settings of commands run in another terminal come from there."""
    text = "".join(f"{name}={value}\n" for name, value in environment.items())
    descriptor = os.open(home.environment_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("# Written by the local stack at its start.\n" + text)


def write_topology(home: Home, topology: Topology, ports: dict[str, int]) -> None:
    """Where this stack's services listen on other ports than the map says, give it a map that says so."""
    home.topology_file.unlink(missing_ok=True)
    raw = yaml.safe_load(topology.path.read_text())
    moved = False
    for name, service in raw.get("services", {}).items():
        for key, port in (("port", ports[name]), ("metrics_port", ports[f"{name}_metrics"])):
            moved |= service[key] != port
            service[key] = port
    if moved:
        home.topology_file.write_text(yaml.safe_dump(raw, sort_keys=False, width=1000))
