"""`kinolog trace`: how one thing led to another."""

from __future__ import annotations

import click
from rich.text import Text
from rich.tree import Tree

from deploy.chain import Node, find_chain
from deploy.commands._common import broker_settings, clock, console, errors_as_sentences, print_json, short
from deploy.log_reader import LogReader
from schemas.catalog import load_topology

_LONG_DATA = 160


@click.command("trace")
@click.argument("id_", metavar="ID")
@click.option("--data", "with_data", is_flag=True, help="Show each event's content.")
@click.option("--json", "as_json", is_flag=True, help="Print {id, events, roots}: trees of log entries.")
def command(id_: str, with_data: bool, as_json: bool) -> None:
    """Print the causal chain of ID, an asset's id (or any other partition key) or an event's ce_id.

    Every event hangs below the one that caused it. Times of children are relative to their root.
    """
    with errors_as_sentences():
        topology = load_topology()
        with LogReader(broker_settings()) as reader:
            roots = find_chain(reader, topology, id_)
    if as_json:
        print_json(
            {"id": id_, "events": sum(map(_count, roots)), "roots": [root.as_json() for root in roots]}
        )
        raise SystemExit(0 if roots else 1)
    if not roots:
        raise click.ClickException(
            f"no event on the log has the key or id {id_}: `kinolog events` shows what is there"
        )
    screen = console()
    for root in roots:
        screen.print(_tree(root, with_data))
    screen.print(Text(f"{sum(map(_count, roots))} events, {len(roots)} root(s)", style="dim"))


def _tree(root: Node, with_data: bool) -> Tree:
    tree = Tree(_line(root, None, with_data), guide_style="dim")
    todo = [(tree, root)]
    while todo:
        branch, node = todo.pop()
        for child in node.children:
            todo.append((branch.add(_line(child, root.entry.at_ms, with_data)), child))
    return tree


def _line(node: Node, since_ms: int | None, with_data: bool) -> Text:
    entry = node.entry
    when = clock(entry.at_ms) if since_ms is None else f"+{(entry.at_ms - since_ms) / 1000:.3f} s"
    line = Text.assemble(
        (short(entry.type), "bold red" if entry.error else "bold cyan"),
        (f"  {when}", "yellow"),
        f"  {entry.topic}/{entry.partition}@{entry.offset}",
        (f"  {entry.headers.get('ce_source', '')}", "green"),
        (f"  {entry.id}", "dim"),
    )
    if with_data:
        text = entry.error or str(entry.event.data if entry.event else "")
        line.append("\n" + (text if len(text) <= _LONG_DATA else text[: _LONG_DATA - 1] + "…"), "dim")
    return line


def _count(node: Node) -> int:
    total, todo = 0, [node]
    while todo:
        total += 1
        todo += todo.pop().children
    return total
