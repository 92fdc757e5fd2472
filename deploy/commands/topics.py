"""`kinolog topics`: the topics of the map on the broker."""

from __future__ import annotations

import click
from rich.table import Table

from deploy.commands._common import broker_settings, console, errors_as_sentences, print_json
from deploy.topics import Difference, create_topics, differences, wanted_topics
from schemas.catalog import load_topology


@click.group("topics")
def command() -> None:
    """Topics as topology.yaml says: list them, compare with the broker, create what is missing."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_(as_json: bool) -> None:
    """Every topic of the map, without its dead-letter topic."""
    with errors_as_sentences():
        topology = load_topology()
    rows = [
        {
            "topic": topic.name,
            "partitions": topic.partitions,
            "retention_days": topic.retention.days,
            "key": topic.key,
            "public": topic.public,
            "events": list(topic.events),
            "read_by": [agent.name for agent in topology.readers_of(topic.name)],
            "doc": topic.doc,
        }
        for topic in topology.topics.values()
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("topic", "partitions", "kept", "key", "events", "read by", box=None, header_style="bold")
    for topic in topology.topics.values():
        kept = "for ever" if topic.retention.days < 0 else f"{topic.retention.days} days"
        readers = ", ".join(agent.name for agent in topology.readers_of(topic.name))
        table.add_row(topic.name, str(topic.partitions), kept, topic.key, str(len(topic.events)), readers)
    console().print(table)


@command.command("diff")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def diff(as_json: bool) -> None:
    """Compare the broker's topics with the map. Ends with 1 if they differ."""
    with errors_as_sentences():
        known = broker_settings()
        found = differences(known, wanted_topics(load_topology(), known))
    _print(found, as_json, "the broker's topics are as the map says")
    raise SystemExit(1 if found else 0)


@command.command("create")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of what was done.")
def create(as_json: bool) -> None:
    """Create missing topics and dead-letter topics, set retention and compression. Safe to repeat."""
    with errors_as_sentences():
        done = create_topics(broker_settings(), load_topology())
    _print(done, as_json, "nothing to do: the broker's topics are as the map says")


def _print(found: list[Difference], as_json: bool, nothing: str) -> None:
    if as_json:
        print_json([{name: getattr(d, name) for name in Difference.__slots__} for d in found])
    elif not found:
        click.echo(nothing)
    else:
        table = Table("topic", "what", "map", "broker", box=None, header_style="bold")
        for d in found:
            table.add_row(d.topic, d.what, d.expected, d.found)
        console().print(table)
