"""`kinolog events`: what a topic holds, decoded."""

from __future__ import annotations

import click
import orjson
from rich.console import Console
from rich.text import Text

from deploy.commands._common import broker_settings, clock, console, errors_as_sentences, print_json, short
from deploy.log_reader import Entry, LogReader, Span, entry_of
from schemas.keys import partition_of


@click.command("events")
@click.argument("topic")
@click.option("--key", "-k", help="Only events of this key; reads only its partition.")
@click.option("--type", "type_name", help="Only events of this type; its short name will do.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new events until Ctrl-C.")
@click.option("--limit", "-n", type=click.IntRange(min=1), help="The newest N only.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    topic: str, key: str | None, type_name: str | None, follow: bool, limit: int | None, as_json: bool
) -> None:
    """Print the events of TOPIC in order of time; a dead-letter topic works too."""
    screen = console()
    with errors_as_sentences(), LogReader(broker_settings()) as reader:
        count = reader.partitions(topic)
        wanted = range(count) if key is None else [partition_of(key, count)]
        spans = reader.spans((topic, partition) for partition in wanted)
        whole = key is not None or type_name is not None
        recent = spans if limit is None or whole else [_tail(span, limit) for span in spans]
        entries = [e for e in map(entry_of, reader.messages(recent)) if _wanted(e, key, type_name)]
        entries.sort(key=lambda e: (e.at_ms, e.partition, e.offset))
        for entry in entries if limit is None else entries[-limit:]:
            _print(screen, entry, as_json)
        if follow:
            after = [Span(s.topic, s.partition, s.end, s.end) for s in spans]
            for entry in map(entry_of, reader.follow(after)):
                if _wanted(entry, key, type_name):
                    _print(screen, entry, as_json)


def _tail(span: Span, count: int) -> Span:
    return Span(span.topic, span.partition, max(span.start, span.end - count), span.end)


def _wanted(entry: Entry, key: str | None, type_name: str | None) -> bool:
    return (key is None or entry.key == key) and (
        type_name is None or type_name in (entry.type, short(entry.type))
    )


def _print(screen: Console, entry: Entry, as_json: bool) -> None:
    if as_json:
        print_json(entry.as_json())
        return
    data = entry.error if entry.event is None else orjson.dumps(entry.event.data, default=repr).decode()
    screen.print(
        Text.assemble(
            (clock(entry.at_ms), "dim"), "  ",
            (short(entry.type), "bold red" if entry.error else "bold cyan"), "  ",
            (entry.key, "green"), "  ",
            (f"{entry.partition}@{entry.offset} {entry.id}", "dim"), "\n    ", data,
        ),
        soft_wrap=True,
    )  # fmt: skip
