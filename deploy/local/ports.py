"""Ports of the local stack: fixed defaults for people, free ones for tests, each movable by one setting."""

from __future__ import annotations

import os
import socket
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


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A port for each name that nobody listens on now. Held open together, so that all differ."""
    sockets: dict[str, socket.socket] = {}
    try:
        for name in names:
            sockets[name] = socket.socket()
            sockets[name].bind((HOST, 0))
        return {name: opened.getsockname()[1] for name, opened in sockets.items()}
    finally:
        for opened in sockets.values():
            opened.close()


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
