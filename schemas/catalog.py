"""The loaded map: `topology.yaml` as dataclasses, validated when it is read.

Whoever starts calls `load_topology()` first; a wrong map is a ContractError that names file, key, what was
expected and the remedy, and nothing starts. Wiring rules live in `schemas.wiring`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import jsonschema
import yaml

from schemas.errors import ContractError
from schemas.keys import dlq_of, partition_of
from schemas.roots import PACKAGE, topology_file

_T = TypeVar("_T")
Kind = Literal["decider", "projector", "worker", "timer"]
TOPOLOGY_SCHEMA: Final = PACKAGE / "topology.schema.json"
DEAD_LETTERS: Final = "dead_letters"
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Service:
    """An HTTP service: its gateway's domain and ports."""

    name: str
    domain: str
    port: int
    metrics_port: int


@dataclass(frozen=True, slots=True)
class Retention:
    """A class of topics: how long Kafka keeps records (-1 for ever) and how it stores them."""

    name: str
    days: int
    compression: str = "producer"

    @property
    def retention_ms(self) -> int:
        return self.days * _DAY_MS if self.days > 0 else -1


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the map; `events` are the full names of the types it may hold."""

    name: str
    owner: str
    retention: Retention
    partitions: int
    key: str
    public: bool
    doc: str
    events: tuple[str, ...]

    @property
    def dlq(self) -> str:
        return dlq_of(self.name)

    @property
    def is_requests(self) -> bool:
        return self.name.endswith(".requests")

    def partition_of(self, key: str) -> int:
        """Where records of `key` are."""
        return partition_of(key, self.partitions)


@dataclass(frozen=True, slots=True)
class App:
    """One Faust app: one kind of process and one consumer group."""

    name: str
    domain: str
    doc: str


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent. `function` is `module:name`; `table` only for ClickHouse projectors, else ""."""

    name: str
    kind: Kind
    app: str
    reads: str
    function: str
    writes: tuple[str, ...] = ()
    store: str = ""
    table: str = ""
    pace_ms: int = 0


@dataclass(frozen=True)
class Topology:
    """The whole map; every mapping is by name and in file order."""

    path: Path
    services: dict[str, Service]
    retention: dict[str, Retention]
    topics: dict[str, Topic]
    apps: dict[str, App]
    agents: dict[str, Agent]

    def topic(self, name: str) -> Topic:
        """Raises ContractError naming the known topics."""
        return _named(self.topics, name, "topic", self.path)

    def agent(self, name: str) -> Agent:
        """Raises ContractError naming the known agents."""
        return _named(self.agents, name, "agent", self.path)

    def app(self, name: str) -> App:
        """Raises ContractError naming the known apps."""
        return _named(self.apps, name, "app", self.path)

    def service(self, name: str) -> Service:
        """Raises ContractError naming the known services."""
        return _named(self.services, name, "service", self.path)

    def agents_of(self, app: str) -> list[Agent]:
        """Agents that run in `app`, in file order."""
        return [agent for agent in self.agents.values() if agent.app == self.app(app).name]

    def readers_of(self, topic: str) -> list[Agent]:
        """Agents that read `topic`."""
        return [agent for agent in self.agents.values() if agent.reads == topic]

    def outcome_topic(self, decider: Agent) -> Topic:
        """Where refusals and repeats of a decider's requests go: the first `.events` topic it writes."""
        return next(self.topic(name) for name in decider.writes if name.endswith(".events"))

    @cached_property
    def event_types(self) -> dict[str, tuple[str, ...]]:
        """Event type to the topics that may hold it."""
        found: dict[str, tuple[str, ...]] = {}
        for topic in self.topics.values():
            for name in topic.events:
                found[name] = (*found.get(name, ()), topic.name)
        return found

    @property
    def dead_letters(self) -> Retention:
        """The class of every `<topic>.dlq`; these have one partition."""
        return self.retention[DEAD_LETTERS]


def load_topology(path: Path | None = None) -> Topology:
    """Read and check the map at `path`, else at TOPOLOGY_FILE, else the checkout's or the packaged one.

    Raises ContractError. Checks everything that needs no import of agents' code.
    """
    from schemas.wiring import check_wiring

    path = path or topology_file()
    topology = _built(path, _valid(path))
    check_wiring(topology)
    return topology


@lru_cache(maxsize=1)
def topology() -> Topology:
    """The process's map. Read once."""
    return load_topology()


def _valid(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ContractError(
            f"{path}: not readable as YAML ({error}): correct the file or TOPOLOGY_FILE"
        ) from error
    schema = json.loads(TOPOLOGY_SCHEMA.read_text(encoding="utf-8"))
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(raw), key=lambda e: list(map(str, e.path))
    )
    if errors:
        raise ContractError("\n".join(_explained(path, error) for error in errors))
    assert isinstance(raw, dict)
    return raw


def _explained(path: Path, error: Any) -> str:
    where = ".".join(map(str, error.absolute_path)) or "(top)"
    meaning = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    remedy = f"; meaning: {meaning}" if meaning else ""
    return f"{path}: {where}: {error.message}{remedy} (see {TOPOLOGY_SCHEMA.name})"


def _built(path: Path, raw: dict[str, Any]) -> Topology:
    retention = {name: Retention(name, **body) for name, body in raw["retention"].items()}
    topics: dict[str, Topic] = {}
    for name, body in raw["topics"].items():
        if body["retention"] not in retention:
            raise ContractError(
                f"{path}: topics.{name}.retention: {body['retention']!r} is no class, expected one of "
                f"{', '.join(retention)}: use one of these or add it under retention"
            )
        topics[name] = Topic(
            name, **{**body, "retention": retention[body["retention"]], "events": tuple(body["events"])}
        )
    return Topology(
        path=path,
        services={name: Service(name, **body) for name, body in raw.get("services", {}).items()},
        retention=retention,
        topics=topics,
        apps={name: App(name, **body) for name, body in raw["apps"].items()},
        agents={
            name: Agent(name, **{**body, "writes": tuple(body.get("writes", ()))})
            for name, body in raw["agents"].items()
        },
    )


def _named(known: dict[str, _T], name: str, what: str, path: Path) -> _T:
    try:
        return known[name]
    except KeyError:
        raise ContractError(f"{path}: no {what} {name!r}: known are {_listed(known)}") from None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
