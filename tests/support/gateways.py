"""Gateways of a test's own on a shared stack's servers, where settings have to differ."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from deploy.local.launcher import Stack
from deploy.local.layout import CHECKOUT
from deploy.local.ports import free_ports

PATIENCE_S = 60.0


@contextmanager
def gateway(stack: Stack, folder: Path, *services: str, **settings: str) -> Iterator[dict[str, str]]:
    """Base URLs of services in a gateway of its own, on the stack's servers but for what `settings` say."""
    map_file = stack.settings.topology_file
    assert map_file is not None
    topology, urls = yaml.safe_load(map_file.read_text()), {}
    for name in services:
        ports = free_ports(("port", "metrics_port"))
        topology["services"][name] |= ports
        urls[name] = f"http://127.0.0.1:{ports['port']}"
    moved = folder / "topology.yaml"
    moved.write_text(yaml.safe_dump(topology))
    with (folder / "gateway.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "gateway", *services], cwd=CHECKOUT, stdout=output,
            stderr=output, env={**os.environ, **stack.env, "TOPOLOGY_FILE": str(moved), **settings},
        )  # fmt: skip
    try:
        yield urls
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def all_from(country: str, folder: Path) -> str:
    """A GEOIP_FILE by which this machine stands in a country."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-Country")
    writer.insert_network(IPSet(["127.0.0.0/8"]), {"country": {"iso_code": country}})
    writer.to_db_file(str(folder / "countries.mmdb"))
    return str(folder / "countries.mmdb")
