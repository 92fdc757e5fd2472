"""Ports: defaults, settings that move them, free ones, who holds one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from deploy.local import preflight
from deploy.local.layout import Home
from deploy.local.ports import PortRefused, configured_ports, free_ports, holder_of, is_free, setting_name
from deploy.local.stack import service_ports
from schemas.catalog import load_topology


def test_no_two_defaults_are_the_same() -> None:
    ports = configured_ports(service_ports(load_topology()), {})
    assert len(set(ports.values())) == len(ports)
    assert (ports["streaming"], ports["streaming_metrics"]) == (3001, 9090)


def test_a_setting_moves_a_port() -> None:
    ports = configured_ports({"streaming": 3001}, {"REDIS_PORT": "7000", "STREAMING_PORT": "7001"})
    assert (ports["redis"], ports["streaming"]) == (7000, 7001)


@pytest.mark.parametrize("value", ["0", "65536", "-1", "http", ""])
def test_a_setting_that_is_no_port_is_named(value: str) -> None:
    with pytest.raises(PortRefused, match=r"REDIS_PORT=.*from 1 to 65535"):
        configured_ports({}, {"REDIS_PORT": value})


def test_free_ports_differ_and_are_free() -> None:
    ports = free_ports(["a", "b", "c"])
    assert len(set(ports.values())) == 3
    assert all(is_free(port) for port in ports.values())


def test_a_free_port_is_kept_for_the_server_that_it_is_for() -> None:
    port = free_ports(["a"])["a"]
    with socket.socket() as server, socket.socket() as other:
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()


@pytest.fixture
def taken() -> int:
    """A port that this process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_in_use_names_port_setting_and_process(taken: int, tmp_path: Path) -> None:
    assert not is_free(taken)
    assert f"pid {os.getpid()}" in (holder_of(taken) or "")
    (check,) = preflight.check_ports(Home(tmp_path), {"redis": taken})
    assert not check.ok
    for word in (str(taken), setting_name("redis"), f"pid {os.getpid()}"):
        assert word in check.detail


def test_two_names_on_one_port_are_refused(tmp_path: Path) -> None:
    port = free_ports(["a"])["a"]
    checks = list(preflight.check_ports(Home(tmp_path), {"redis": port, "s3": port}))
    assert [check.ok for check in checks] == [True, False]
    assert "S3_PORT and REDIS_PORT" in checks[1].detail
