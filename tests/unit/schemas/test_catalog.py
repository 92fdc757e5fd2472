"""The map: what is wrong in it is named with file, key and remedy; the real one is right."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from schemas.catalog import Topology, load_topology
from schemas.compat import lock_partitions, partition_problems, read_partitions
from schemas.errors import ContractError
from schemas.roots import PACKAGE
from schemas.sources import read_schemas, undocumented
from schemas.wiring import MARK, check_functions, orphans

Change = Callable[[dict[str, Any]], Any]


def demo_map() -> dict[str, Any]:
    """A small right map of the engine's own events."""
    refusals = ["kinolog.engine.RequestRefused", "kinolog.engine.RequestRepeated"]
    topic = {
        "owner": "demo",
        "retention": "facts",
        "partitions": 4,
        "key": "id",
        "public": False,
        "doc": "A topic.",
    }
    return {
        "version": 1,
        "services": {"demo": {"domain": "demo", "port": 3001, "metrics_port": 9090}},
        "retention": {"facts": {"days": -1}, "dead_letters": {"days": 30, "compression": "zstd"}},
        "topics": {
            "demo.thing.requests": {**topic, "events": ["kinolog.engine.TimerDue"]},
            "demo.thing.events": {**topic, "events": ["kinolog.engine.TimerSet", *refusals]},
            "engine.timer.requests": {**topic, "events": ["kinolog.engine.TimerCancelled"]},
        },
        "apps": {"demo": {"domain": "demo", "doc": "All of it."}},
        "agents": {
            "demo.thing": {
                "kind": "decider",
                "app": "demo",
                "reads": "demo.thing.requests",
                "writes": ["engine.timer.requests", "demo.thing.events"],
                "function": "demo_agents_for_test:thing",
            },
            "demo.view": {
                "kind": "projector",
                "app": "demo",
                "reads": "demo.thing.events",
                "store": "clickhouse",
                "table": "things",
                "function": "demo_agents_for_test:view",
            },
        },
    }


def load(tmp_path: Path, change: Change | None = None) -> Topology:
    raw = demo_map()
    raw["agents"]["demo.thing"]["function"] = "tests.demo:thing"
    raw["agents"]["demo.view"]["function"] = "tests.demo:view"
    if change is not None:
        change(raw)
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False))
    return load_topology(path)


def test_a_right_map_loads(tmp_path: Path) -> None:
    found = load(tmp_path)
    thing = found.agent("demo.thing")
    assert found.outcome_topic(thing).name == "demo.thing.events"
    assert [agent.name for agent in found.agents_of("demo")] == ["demo.thing", "demo.view"]
    assert [agent.name for agent in found.readers_of("demo.thing.events")] == ["demo.view"]
    assert found.topic("demo.thing.events").dlq == "demo.thing.events.dlq"
    assert found.topic("demo.thing.events").retention.retention_ms == -1
    assert found.dead_letters.retention_ms == 30 * 86_400_000
    assert found.event_types["kinolog.engine.TimerDue"] == ("demo.thing.requests",)


def _topic(name: str, **more: Any) -> Change:
    return lambda raw: raw["topics"][name].update(more)


def _agent(name: str, **more: Any) -> Change:
    return lambda raw: raw["agents"][name].update(more)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda raw: raw.update(version=2), "version"),
        (lambda raw: raw.update(colour="red"), "colour"),
        (lambda raw: raw.pop("topics"), "topics"),
        (lambda raw: raw["retention"].pop("dead_letters"), "dead_letters"),
        (_topic("demo.thing.events", partitions=0), r"topics.demo.thing.events.partitions.*Never changes"),
        (_topic("demo.thing.events", retention="gold"), "'gold' is no class, expected one of facts"),
        (_topic("demo.thing.events", events=["kinolog.demo.Nothing"]), "schemas/demo/Nothing.avsc"),
        (_topic("demo.thing.events", events=["Nothing"]), "does not match"),
        (_topic("demo.thing.events", events=["kinolog.engine.TimerSet"]), "RequestRefused is missing"),
        (_topic("demo.thing.requests", events=["kinolog.engine.TimerSet"]), "TimerDue is missing"),
        (lambda raw: raw["topics"].update({"thing": raw["topics"]["demo.thing.events"]}), "thing"),
        (_agent("demo.thing", app="elsewhere"), r"agents.demo.thing.app: no app 'elsewhere'.*one of demo"),
        (
            _agent("demo.thing", reads="no.such.requests"),
            r"agents.demo.thing.reads: no topic 'no.such.requests'",
        ),
        (_agent("demo.thing", writes=["no.such.events"]), r"agents.demo.thing.writes: no topic"),
        (_agent("demo.thing", writes=["engine.timer.requests"]), "no .events topic"),
        (_agent("demo.thing", store="redis"), "agents.demo.thing: 'store' is not one of"),
        (_agent("demo.thing", kind="judge"), "judge"),
        (_agent("demo.thing", function="thing"), "function"),
        (_agent("demo.view", store="postgres"), "postgres"),
        (_agent("demo.view", writes=["demo.thing.events"]), "agents.demo.view: 'writes' is not one of"),
        (lambda raw: raw["agents"]["demo.view"].pop("table"), "table"),
        (lambda raw: raw["agents"]["demo.view"].pop("function"), "function"),
        (lambda raw: raw["agents"].update({"demo.other": raw["agents"]["demo.thing"]}), "2 deciders"),
        (lambda raw: raw["apps"].update(idle={"domain": "demo", "doc": "x"}), "apps.idle: no agent"),
        (lambda raw: raw["services"]["demo"].update(port=9090), "port 9090 is used 2 times"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: Change, says: str) -> None:
    with pytest.raises(ContractError, match=says) as caught:
        load(tmp_path, change)
    assert str(tmp_path / "topology.yaml") in str(caught.value)


def test_text_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text("a: [")
    with pytest.raises(ContractError, match="YAML"):
        load_topology(path)
    with pytest.raises(ContractError, match="TOPOLOGY_FILE"):
        load_topology(tmp_path / "missing.yaml")


def test_another_map_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path)
    monkeypatch.setenv("TOPOLOGY_FILE", str(tmp_path / "topology.yaml"))
    assert list(load_topology().agents) == ["demo.thing", "demo.view"]


@pytest.mark.parametrize("what", ["topic", "agent", "app", "service"])
def test_unknown_names_list_the_known(tmp_path: Path, what: str) -> None:
    with pytest.raises(ContractError, match=f"no {what} 'x': known are .*demo"):
        getattr(load(tmp_path), what)("x")


@pytest.fixture
def agents(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module with the two functions of the demo map."""
    module = ModuleType("demo_agents_for_test")
    for kind, name in (("decider", "thing"), ("projector", "view")):

        def function() -> None: ...

        setattr(function, MARK, ((kind, f"demo.{name}"),))
        setattr(module, name, function)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def mapped(tmp_path: Path) -> Topology:
    path = tmp_path / "topology.yaml"
    text = yaml.safe_dump(demo_map()).replace("demo_agents_for_test:", "streams.demo_agents_for_test:")
    path.write_text(text)
    return load_topology(path)


@pytest.fixture(autouse=True)
def _in_streams(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "agents" in request.fixturenames:
        module = request.getfixturevalue("agents")
        monkeypatch.setitem(sys.modules, "streams.demo_agents_for_test", module)


def test_functions_are_found(mapped: Topology, agents: ModuleType) -> None:
    assert check_functions(mapped) == {"demo.thing": agents.thing, "demo.view": agents.view}


def test_an_agent_without_a_function(mapped: Topology, agents: ModuleType) -> None:
    del agents.thing
    with pytest.raises(ContractError, match=r"agents\.demo\.thing\.function.*no thing"):
        check_functions(mapped)


def test_an_agent_without_a_module(mapped: Topology) -> None:
    with pytest.raises(ContractError, match=r"agents\.demo\.thing\.function"):
        check_functions(mapped)


def test_a_function_of_another_agent(mapped: Topology, agents: ModuleType) -> None:
    agents.thing = agents.view
    with pytest.raises(ContractError, match=r'expected the decorator @decider\("demo.thing"\)'):
        check_functions(mapped)


def test_a_function_that_is_not_on_the_map(mapped: Topology, agents: ModuleType) -> None:
    def stray() -> None: ...

    setattr(stray, MARK, (("worker", "demo.stray"),))
    agents.stray = stray
    with pytest.raises(ContractError, match=r"@worker\('demo.stray'\) is not in"):
        check_functions(mapped)


def test_partition_counts_never_change(tmp_path: Path) -> None:
    found, path = load(tmp_path), tmp_path / "partitions.lock"
    assert len(list(partition_problems(found, read_partitions(path), path))) == 3
    assert lock_partitions(found, path) == list(found.topics)
    assert lock_partitions(found, path) == []
    assert not list(partition_problems(found, read_partitions(path), path))
    changed = load(tmp_path, _topic("demo.thing.events", partitions=8))
    [problem] = partition_problems(changed, read_partitions(path), path)
    assert "topics.demo.thing.events.partitions: 8" in problem
    assert "new topic version" in problem


def test_our_own_schemas_say_what_every_field_is() -> None:
    assert [name for file in read_schemas(PACKAGE) for name in undocumented(file.schema)] == []


def test_our_own_map_has_a_topic_for_every_schema() -> None:
    assert orphans(load_topology(), [file.type for file in read_schemas(PACKAGE)]) == []
