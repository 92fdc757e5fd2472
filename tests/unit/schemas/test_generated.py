"""Generated files: right, deterministic, and refused when stale."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import get_type_hints

import pytest

import schemas.engine.events as engine_events
from deploy.generated import BEGIN, END, generated_files, stale, write
from deploy.purity import impure_helpers
from schemas.asyncapi import asyncapi, mermaid
from schemas.catalog import load_topology
from schemas.codegen import typed_dicts
from schemas.errors import ContractError
from schemas.roots import PACKAGE
from schemas.sources import read_schemas
from tests.unit.schemas.support import field, put, record


def test_typed_dicts_have_every_field_and_type(tmp_path: Path) -> None:
    part = {"type": "record", "name": "Part", "doc": "A part.", "fields": [field("n", "int")]}
    put(
        tmp_path,
        record(
            "ThingMade",
            field("a", ["null", "string"]),
            field("b", {"type": "array", "items": part}),
            field("c", {"type": "map", "values": "double"}),
            field("d", {"type": "enum", "name": "Kind", "symbols": ["X", "Y"]}),
            field("e", ["bytes", "long", "boolean"]),
            field("f", "Part"),
        ),
    )
    [(path, text)] = typed_dicts(tmp_path).items()
    assert path == tmp_path / "demo" / "events.py"
    ast.parse(text)
    assert "never edited" in text
    for line in (
        'THING_MADE: Final = "kinolog.demo.ThingMade"',
        "    a: str | None",
        "    b: list[Part]",
        "    c: dict[str, float]",
        '    d: Literal["X", "Y"]',
        "    e: bytes | int | bool",
        "    f: Part",
    ):
        assert line in text.splitlines()
    assert text.index("class Part") < text.index("class ThingMade")


def test_one_name_means_one_thing(tmp_path: Path) -> None:
    for name, kind in (("One", "int"), ("Two", "string")):
        part = {"type": "record", "name": "Part", "doc": "A part.", "fields": [field("n", kind)]}
        put(tmp_path, record(name, field("part", part)))
    with pytest.raises(ContractError, match="record Part differs"):
        typed_dicts(tmp_path)


def test_the_generated_module_is_usable() -> None:
    assert get_type_hints(engine_events.TimerSet)["due_at_ms"] is int
    assert engine_events.TIMER_SET == "kinolog.engine.TimerSet"


def test_asyncapi_says_what_the_map_says() -> None:
    topology = load_topology()
    text = asyncapi(topology, read_schemas(PACKAGE), "1")
    assert text == asyncapi(topology, read_schemas(PACKAGE), "1")
    document = json.loads(text)
    assert set(document["channels"]) == set(topology.topics)
    assert set(document["components"]["messages"]) == set(topology.event_types)

    def refs(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [ref for value in node.values() for ref in refs(value)]
        return [ref for value in node for ref in refs(value)] if isinstance(node, list) else []

    for ref in refs(document):
        target = document
        for step in ref.removeprefix("#/").split("/"):
            target = target[step]
        assert target


def test_the_diagram_has_every_topic_and_agent_of_redis() -> None:
    topology = load_topology()
    text = mermaid(topology)
    for name in [*topology.topics, *(a.name for a in topology.agents.values() if a.store != "clickhouse")]:
        assert name in text


def _checkout(path: Path, readme: str) -> Path:
    (path / "schemas").mkdir()
    (path / "README.md").write_text(readme)
    return path


def test_stale_files_are_found_and_written(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path, f"# Hello\n{BEGIN}\nold\n{END}\nbye\n")
    put(checkout / "schemas", record("Made", field("a", "int")))
    files = generated_files(load_topology(), checkout)
    assert set(stale(files)) == set(files)
    assert set(write(files)) == set(files)
    assert stale(generated_files(load_topology(), checkout)) == []
    readme = (checkout / "README.md").read_text()
    assert readme.startswith("# Hello\n")
    assert readme.endswith("\nbye\n")
    (checkout / "schemas" / "demo" / "events.py").write_text("edited")
    assert stale(files) == [checkout / "schemas" / "demo" / "events.py"]


def test_lost_markers_are_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"README\.md.*missing"):
        generated_files(load_topology(), _checkout(tmp_path, "# Hello\n"))


def test_a_helper_is_no_way_around_purity(tmp_path: Path) -> None:
    demo = tmp_path / "streams" / "demo"
    demo.mkdir(parents=True)
    (demo / "rules.py").write_text("from streams.demo import help1\nfrom streams.demo.help2 import x\n")
    (demo / "help1.py").write_text("import time\n")
    (demo / "help2.py").write_text("x = 1\n")
    found = list(impure_helpers(tmp_path, {"streams.demo.rules"}))
    assert len(found) == 2
    assert "streams.demo.help1" in found[0]
    assert not list(impure_helpers(tmp_path, {f"streams.demo.{n}" for n in ("rules", "help1", "help2")}))
    assert "purity contract" in next(impure_helpers(tmp_path, set()))
