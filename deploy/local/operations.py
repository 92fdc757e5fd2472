"""What the commands up, run and down do: pre-flight, start with progress, addresses, stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console

from deploy.local import launcher, preflight
from deploy.local import state as states
from deploy.local.credentials import CredentialsUnreadable
from deploy.local.display import StartDisplay
from deploy.local.layout import Home
from deploy.local.ports import HOST, PortRefused, configured_ports
from deploy.local.stack import service_ports
from deploy.local.state import State, end_leftovers
from schemas.catalog import load_topology
from schemas.errors import ContractError
from streams.core.settings import SettingsError

EXPECTED = (
    preflight.NotFit,
    launcher.StackFailed,
    PortRefused,
    CredentialsUnreadable,
    ContractError,
    SettingsError,
)


def ports_of(home: Home) -> dict[str, int]:
    """Ports of the running stack, else those that a start would use."""
    running = states.running(home.state_file)
    return running.ports if running else configured_ports(service_ports(load_topology()))


def start(home: Home, console: Console, *, watch: int | None = None) -> launcher.Stack:
    """Check, then start with a line a step. Raises one of EXPECTED; nothing runs then."""
    home.create()
    left = end_leftovers(home.state_file)
    if left:
        console.print(f"  ended what an earlier run left behind: {', '.join(left)}", highlight=False)
    ports = configured_ports(service_ports(load_topology()))
    preflight.require(home, ports)
    with StartDisplay(console) as display:
        return launcher.start(home.root, ports, watch=watch, progress=display)


def stop(home: Home, console: Console) -> bool:
    """Stop everything, higher tiers first; True if something ran."""
    stopped = launcher.stop(home)
    if stopped:
        console.print("  stopped, nothing left running", highlight=False)
    return stopped


def addresses(state: State) -> dict[str, str]:
    """Where people and programs go: services, then servers."""
    found = {}
    for name in load_topology().services:
        found[name] = f"http://{HOST}:{state.ports[name]}"
        found[f"{name} metrics"] = f"http://{HOST}:{state.ports[f'{name}_metrics']}/metrics"
    for name in ("kafka", "redis", "vault", "clickhouse", "s3"):
        found[name] = f"{HOST}:{state.ports[name]}"
    return found


def summary(home: Home, state: State) -> dict[str, Any]:
    """The state as `--json` prints it."""
    return {
        "phase": state.phase,
        "error": state.error,
        "home": str(home.root),
        "pid": state.pid,
        "ready_after_s": state.ready_after_s,
        "addresses": addresses(state),
        "credentials": str(home.credentials_file),
        "processes": [
            {
                "name": process.name,
                "status": process.status,
                "pid": process.pid,
                "restarts": process.restarts,
                "ready_after_s": process.ready_after_s,
                "detail": process.detail,
            }
            for process in state.processes
        ],
    }


def print_addresses(home: Home, state: State, echo: Callable[[str], None]) -> None:
    """The addresses a person wants, last thing on the screen."""
    for name, address in addresses(state).items():
        if not name.endswith(" metrics"):
            echo(f"  {name:<12} {address}")
    echo(f"  credentials  {home.credentials_file}")
    echo(f"  logs         {home.logs}")
