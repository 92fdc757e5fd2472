"""What must be true before anything starts. Each failure is one sentence with its remedy."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local import jars, servers
from deploy.local import state as states
from deploy.local.java import JavaMissing, find_java
from deploy.local.layout import CHECKOUT, Home
from deploy.local.ports import holder_of, is_free, setting_name
from streams.core.settings import load_settings
from streams.media.sandbox import landlock_version

# Below these a start ends in a broker that cannot write or a process killed by the kernel.
DISK_MB, MEMORY_MB = 2048, 1536


@dataclass(frozen=True)
class Check:
    """One finding. `detail` is what was found, or the sentence that says what to do."""

    name: str
    ok: bool
    detail: str


class NotFit(RuntimeError):
    """The machine cannot run the stack now; the text has one sentence a reason."""


def check_all(home: Home, ports: dict[str, int]) -> list[Check]:
    """Every check, without changing anything. Ports held by this home's own stack count as free."""
    sandbox = check_sandbox(load_settings().sandbox_required)
    return [*check_tools(), sandbox, check_disk(home), check_memory(), *check_ports(home, ports)]


def require(home: Home, ports: dict[str, int]) -> None:
    """Raise NotFit with every failed check's sentence."""
    failed = [check.detail for check in check_all(home, ports) if not check.ok]
    if failed:
        raise NotFit("\n".join(failed))


def check_ports(home: Home, ports: dict[str, int]) -> Iterable[Check]:
    """Each port is free, or ours already; two names never share one."""
    running = states.running(home.state_file)
    ours = set(running.ports.values()) if running else set()
    seen: dict[int, str] = {}
    for name, port in ports.items():
        setting = setting_name(name)
        if port in seen:
            yield Check(
                f"port {name}", False, f"{setting} and {seen[port]} are both {port}: change one of them."
            )
        elif port in ours or is_free(port):
            yield Check(f"port {name}", True, str(port))
        else:
            holder = holder_of(port)
            by = f"by {holder}" if holder else "by a process of another user"
            yield Check(
                f"port {name}",
                False,
                f"Port {port} is in use {by}: stop it, or set {setting} to a free port.",
            )
        seen[port] = setting


def check_disk(home: Home) -> Check:
    """Room for the log, the objects and the database; KINOLOG_MIN_DISK_MB changes the bound."""
    needed_mb = int(os.environ.get("KINOLOG_MIN_DISK_MB", DISK_MB))
    place = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free_mb = shutil.disk_usage(place).free >> 20
    if free_mb < needed_mb:
        sentence = (
            f"{place} has {free_mb} MB free, the stack needs {needed_mb} MB: make room, or set KINOLOG_HOME "
        )
        return Check("disk", False, sentence + "to a folder on another disk.")
    return Check("disk", True, f"{free_mb} MB free")


def check_memory() -> Check:
    """Memory for three servers and the encoders; KINOLOG_MIN_MEMORY_MB changes the bound."""
    needed_mb = int(os.environ.get("KINOLOG_MIN_MEMORY_MB", MEMORY_MB))
    free_mb = min([psutil.virtual_memory().available >> 20, *_cgroup_room_mb()])
    if free_mb < needed_mb:
        sentence = f"{free_mb} MB of memory are free, the stack needs {needed_mb} MB: close other programs, "
        return Check("memory", False, sentence + "or lower KINOLOG_MIN_MEMORY_MB at your own risk.")
    return Check("memory", True, f"{free_mb} MB free")


def _cgroup_room_mb() -> Iterable[int]:
    """What a container's limit leaves, where there is one."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        if limit.isdigit():
            yield max(0, (int(limit) - used) >> 20)
    except (OSError, ValueError):
        return


def check_tools() -> Iterable[Check]:
    """What set-up brings is there and whole."""
    again = "run `make setup`"
    yield _attempt("java", lambda: f"{find_java().executable} ({find_java().major})")
    yield _attempt("valkey", lambda: str(servers.valkey_binary()))
    found = importlib.util.find_spec("chdb") is not None
    yield Check("clickhouse", found, "chdb" if found else f"The package chdb is not installed: {again}.")
    for name, locked in jars.read_lock().items():
        broken = jars.missing(name)
        detail = f"{len(locked)} jars as locked"
        if broken:
            detail = f"{len(broken)} of {len(locked)} jars of {name} are missing or broken, such as "
            detail += f"{broken[0].file_name} (a broken download?): {again}, it fetches those again."
        yield Check(f"jars {name}", not broken, detail)
    modules = CHECKOUT / "gateways" / "web" / "node_modules"
    there = modules.is_dir()
    yield Check("page modules", there, str(modules) if there else f"The page modules are missing: {again}.")


def check_sandbox(required: bool) -> Check:
    """What strangers' films are decoded in; without it no worker of the media domain starts."""
    if landlock_version() > 0:
        return Check("sandbox", True, f"Landlock {landlock_version()}")
    # In a process of its own: whoever is confined stays so.
    attempt = [sys.executable, "-c", "from streams.media.sandbox import confine; print(confine())"]
    done = subprocess.run(attempt, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return Check("sandbox", True, done.stdout.strip())
    if not required:
        return Check("sandbox", True, "none, and SANDBOX_REQUIRED=false says that films are decoded without")
    return Check(
        "sandbox",
        False,
        "This kernel has neither Landlock (5.13 or later) nor user namespaces to confine the decoder of "
        "uploads: take a newer kernel, or set SANDBOX_REQUIRED=false at your own risk.",
    )


def _attempt(name: str, find: Callable[[], str]) -> Check:
    try:
        return Check(name, True, find())
    except (JavaMissing, FileNotFoundError) as error:
        return Check(name, False, str(error))
