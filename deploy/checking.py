"""What `kinolog check` looks at, one function a concern; each yields sentences that name the remedy."""

from __future__ import annotations

import configparser
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.generated import CHECKOUT, generated_files, stale, write
from deploy.purity import impure_helpers
from schemas.catalog import load_topology
from schemas.compat import (
    PARTITIONS_LOCK,
    lock_history_problems,
    lock_partitions,
    partition_problems,
    read_partitions,
    schema_problems,
)
from schemas.errors import ContractError
from schemas.lock import LOCK_NAME, allocate, read_lock
from schemas.sources import read_schemas
from schemas.wire import codec
from schemas.wiring import check_functions, orphans

IMPORT_RULES: Final = ".importlinter"


def contract_problems(checkout: Path = CHECKOUT) -> Iterator[str]:
    """Topology, schemas, locks, generated files. Imports no agent."""
    root = checkout / "schemas"
    for lock in (root / LOCK_NAME, root / PARTITIONS_LOCK):
        yield from lock_history_problems(lock)
    try:
        files, locked = read_schemas(root), read_lock(root / LOCK_NAME)
        topology = load_topology(checkout / "topology.yaml")
    except ContractError as error:
        yield str(error)
        return
    public = {event for topic in topology.topics.values() if topic.public for event in topic.events}
    yield from schema_problems(locked, files, public)
    yield from partition_problems(topology, read_partitions(root / PARTITIONS_LOCK), root / PARTITIONS_LOCK)
    for name in orphans(topology, [file.type for file in files]):
        yield f"{topology.path}: no topic lists {name}: add it to a topic's events, or remove its .avsc"
    try:
        for path in stale(generated_files(topology, checkout)):
            yield f"{path}: stale: run `kinolog generate`"
    except ContractError as error:
        yield str(error)


def code_problems(checkout: Path = CHECKOUT) -> Iterator[str]:
    """Functions of the map's agents (this imports them) and the import rules (this runs import-linter)."""
    try:
        check_functions(load_topology(checkout / "topology.yaml"))
    except ContractError as error:
        yield str(error)
    except Exception as error:
        yield f"an agent's module does not import: {error!r}: correct it"
    yield from import_problems(checkout)


def import_problems(checkout: Path = CHECKOUT) -> Iterator[str]:
    """Layers, independence and purity, as `.importlinter` states them."""
    rules = configparser.ConfigParser()
    rules.read(checkout / IMPORT_RULES)
    for name in domains_without_rule(checkout, rules):
        yield f"{checkout / IMPORT_RULES}: {name} is not in the domains contract: add it to modules"
    pure = set(rules["importlinter:contract:purity"]["source_modules"].split())
    yield from impure_helpers(checkout, pure)
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()"]
    ran = subprocess.run(
        [*command, "--config", IMPORT_RULES, "--no-cache"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        told = ran.stdout.rpartition("Broken contracts")[2].strip(" -\n") or ran.stderr
        yield f"import rules ({IMPORT_RULES}) are broken:\n{told.strip()}"


def domains_without_rule(checkout: Path, rules: configparser.ConfigParser) -> Iterator[str]:
    """Packages of a service's domain that the contract of independence leaves out."""
    listed = set(rules["importlinter:contract:domains"]["modules"].split())
    services = load_topology(checkout / "topology.yaml").services.values()
    for domain in sorted({service.domain for service in services}):
        for side in ("gateways", "streams"):
            if (checkout / side / domain / "__init__.py").is_file() and f"{side}.{domain}" not in listed:
                yield f"{side}.{domain}"


def fix(checkout: Path = CHECKOUT) -> list[str]:
    """Lock what is new and compatible, write what is generated; returns what was done.

    Raises ContractError, before anything is locked, if something is wrong that a lock would make worse.
    """
    root = checkout / "schemas"
    files, locked = read_schemas(root), read_lock(root / LOCK_NAME)
    wrong = [p for p in schema_problems(locked, files, ()) if "not locked" not in p]
    if wrong:
        raise ContractError("\n".join(wrong))
    done = [
        f"locked {e.type} version {e.version} as id {e.id}"
        for e in allocate(root / LOCK_NAME, [f.schema for f in files])
    ]
    codec.cache_clear()
    topology = load_topology(checkout / "topology.yaml")
    done += [f"locked the partitions of {name}" for name in lock_partitions(topology, root / PARTITIONS_LOCK)]
    done += [f"wrote {path.relative_to(checkout)}" for path in write(generated_files(topology, checkout))]
    return done
