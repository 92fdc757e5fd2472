"""Ports of the local stack: fixed defaults for people, free ones for tests, each movable by one setting."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Mapping

import psutil

HOST = "127.0.0.1"

# Server ports stay clear of the platform's own (3001-3005, 8081, 9090-9095) and of the usual 9092, 6379,
# 8123, 9000, where a developer's machine may already run something.
SERVER_PORTS = {
    "kafka": 19092,
    "kafka_controller": 19093,
    "redis": 16379,
    "vault": 16380,
    "clickhouse": 18123,
    "s3": 19000,
}


class PortRefused(RuntimeError):
    """A port setting is not a port."""


def setting_name(port_name: str) -> str:
    """Environment variable that moves a port: `redis` -> `REDIS_PORT`."""
    return f"{port_name.upper()}_PORT"


def configured_ports(
    service_ports: Mapping[str, int], environment: Mapping[str, str] | None = None
) -> dict[str, int]:
    """All ports by name: servers and services at their defaults unless the environment moves them."""
    environment = os.environ if environment is None else environment
    ports = {}
    for name, default in (SERVER_PORTS | dict(service_ports)).items():
        text = environment.get(setting_name(name), str(default))
        if not text.isdigit() or not 1 <= int(text) <= 65535:
            raise PortRefused(
                f"{setting_name(name)}={text!r} is not a port: expected a number from 1 to 65535."
            )
        ports[name] = int(text)
    return ports


_held: list[socket.socket] = []


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A port for each name that nobody listens on now, and that nobody else is given meanwhile.

    Linux gives a port that is bound to no connection and to no one who asks for any port, and still lets a
    server that sets SO_REUSEADDR (all of ours do) listen there: so they stay bound for as long as this
    process lives. A server may take many seconds to its own bind.
    """
    opened: dict[str, socket.socket] = {}
    try:
        for name in names:
            opened[name] = socket.socket()
            opened[name].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened[name].bind((HOST, 0))
        return {name: each.getsockname()[1] for name, each in opened.items()}
    finally:
        if sys.platform == "linux":
            _held.extend(opened.values())
        else:
            for each in opened.values():
                each.close()


def is_free(port: int) -> bool:
    """True if a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def holder_of(port: int) -> str | None:
    """The process that listens on a port, as a person would name it; None where the system hides it."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and tuple(connection.laddr)[1:] == (port,) and connection.pid:
                process = psutil.Process(connection.pid)
                return f"{process.name()} (pid {process.pid})"
    except psutil.Error:
        return None
    return None
