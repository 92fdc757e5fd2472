"""Rules that hold between the entries of the map, and between the map and the code.

`check_wiring` needs no agent's code and runs at every start; `check_functions` imports the functions that
the map names and runs where agents run, and in `kinolog check`.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from schemas.catalog import Agent, Topology
from schemas.errors import ContractError
from schemas.wire import codec

TIMER_TOPIC: Final = "engine.timer.requests"
TIMER_DUE: Final = "kinolog.engine.TimerDue"
REFUSED: Final = "kinolog.engine.RequestRefused"
REPEATED: Final = "kinolog.engine.RequestRepeated"
MARK: Final = "__kinolog_agents__"  # the decorators' attribute: a tuple of (kind, agent name)


def check_wiring(topology: Topology) -> None:
    """Raises one ContractError that lists everything wrong with the map."""
    problems = [
        *_apps_and_topics(topology),
        *_deciders(topology),
        *_events(topology),
        *_ports(topology),
    ]
    if problems:
        raise ContractError("\n".join(f"{topology.path}: {problem}" for problem in problems))


def _apps_and_topics(topology: Topology) -> Iterator[str]:
    for agent in topology.agents.values():
        where = f"agents.{agent.name}"
        if agent.app not in topology.apps:
            yield f"{where}.app: no app {agent.app!r}: expected one of {', '.join(topology.apps)}"
        for key, names in (("reads", (agent.reads,)), ("writes", agent.writes)):
            for name in names:
                if name not in topology.topics:
                    yield f"{where}.{key}: no topic {name!r}: add it under topics or correct the name"
    for app in topology.apps:
        if not topology.agents_of(app):
            yield f"apps.{app}: no agent runs in it: remove it, or set `app: {app}` on an agent"


def _deciders(topology: Topology) -> Iterator[str]:
    deciders = [agent for agent in topology.agents.values() if agent.kind == "decider"]
    for name, count in Counter(agent.reads for agent in deciders).items():
        if count > 1 and name.endswith(".requests"):
            yield f"topics.{name}: {count} deciders read it, expected one: requests have one judge"
    for agent in deciders:
        outcome = next((name for name in agent.writes if name.endswith(".events")), None)
        if outcome is None:
            yield f"agents.{agent.name}.writes: no .events topic, where its refusals would go: add one"
        elif outcome in topology.topics:
            for needed in (REFUSED, REPEATED):
                if needed not in topology.topics[outcome].events:
                    yield f"topics.{outcome}.events: {needed} is missing, {agent.name} emits it: add it"
        reads = topology.topics.get(agent.reads)
        if TIMER_TOPIC in agent.writes and reads is not None and TIMER_DUE not in reads.events:
            yield f"topics.{agent.reads}.events: {TIMER_DUE} is missing, {agent.name} sets timers: add it"


def _events(topology: Topology) -> Iterator[str]:
    locked = codec().newest
    for topic in topology.topics.values():
        for name in topic.events:
            if name not in locked:
                domain, event = name.split(".")[1:]
                yield (
                    f"topics.{topic.name}.events: {name} has no locked schema: write "
                    f"schemas/{domain}/{event}.avsc, then run `kinolog check --fix`"
                )


def _ports(topology: Topology) -> Iterator[str]:
    ports = [p for service in topology.services.values() for p in (service.port, service.metrics_port)]
    for port, count in Counter(ports).items():
        if count > 1:
            yield f"services: port {port} is used {count} times: give each service its own"


def orphans(topology: Topology, types: Iterable[str]) -> list[str]:
    """Of `types` (those that have a `.avsc`) the ones that no topic may hold."""
    return sorted(set(types) - set(topology.event_types))


def check_functions(
    topology: Topology, agents: Iterable[Agent] | None = None
) -> dict[str, Callable[..., Any]]:
    """Import the function of each agent (all of the map by default); agent name to function.

    Raises ContractError if one is missing, carries another agent's decorator, or if a module that the map
    names holds a decorated function that is not on the map.
    """
    chosen = list(topology.agents.values() if agents is None else agents)
    problems: list[str] = []
    functions: dict[str, Callable[..., Any]] = {}
    for agent in chosen:
        module, _, name = agent.function.partition(":")
        where = f"{topology.path}: agents.{agent.name}.function: {agent.function}"
        try:
            function = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            problems.append(f"{where}: {error}: write it or correct the map")
            continue
        except AttributeError:
            problems.append(f"{where}: the module has no {name}: write it or correct the map")
            continue
        if (agent.kind, agent.name) not in getattr(function, MARK, ()):
            problems.append(f'{where}: expected the decorator @{agent.kind}("{agent.name}") on it: add it')
            continue
        functions[agent.name] = function
    mapped = {(agent.kind, agent.name) for agent in topology.agents.values()}
    for module in sorted({agent.function.partition(":")[0] for agent in chosen} & set(sys.modules)):
        for value in vars(sys.modules[module]).values():
            for kind, name in getattr(value, MARK, ()) if callable(value) else ():
                if (kind, name) not in mapped:
                    problems.append(
                        f"{module}: @{kind}({name!r}) is not in {topology.path}: add it there or remove it"
                    )
    if problems:
        raise ContractError("\n".join(problems))
    return functions
