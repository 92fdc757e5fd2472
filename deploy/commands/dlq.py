"""`kinolog dlq`: dead letters, and their way back."""

from __future__ import annotations

import asyncio
from collections import Counter

import click
import orjson
from rich.markup import escape
from rich.table import Table

from deploy.commands._common import broker_settings, clock, console, errors_as_sentences, print_json, short
from deploy.dead_letters import Letter, letters, redrive
from deploy.log_reader import LogReader
from schemas.catalog import load_topology
from streams.core.producer import EventProducer, LogUnavailable


@click.group("dlq")
def command() -> None:
    """Records that no agent could handle: list them, look at one, send them back when the fault is mended."""


@command.command("list")
@click.argument("topic", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of letters.")
def list_(topic: str | None, as_json: bool) -> None:
    """Letters of TOPIC, or how many every topic has."""
    with errors_as_sentences(), LogReader(broker_settings()) as reader:
        names = [topic] if topic else list(load_topology().topics)
        found = {name: list(letters(reader, name)) for name in names}
    if as_json:
        print_json([letter.as_json() for some in found.values() for letter in some])
    elif topic:
        _table(found[topic])
    else:
        _summary(found)


@command.command("show")
@click.argument("topic")
@click.argument("offset", type=int)
def show(topic: str, offset: int) -> None:
    """One letter of TOPIC in full, as JSON."""
    with errors_as_sentences(), LogReader(broker_settings()) as reader:
        [letter] = _chosen(list(letters(reader, topic)), (offset,), topic)
    click.echo(orjson.dumps(letter.as_json(), default=repr, option=orjson.OPT_INDENT_2).decode())


@command.command("redrive")
@click.argument("topic")
@click.option("--offset", "offsets", type=int, multiple=True, help="Only this letter; may be repeated.")
@click.option("--all", "all_", is_flag=True, help="Every letter of the topic.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the new positions.")
def redrive_(topic: str, offsets: tuple[int, ...], all_: bool, as_json: bool) -> None:
    """Send letters of TOPIC back to the agent that failed, with the ce_id they had.

    Letters stay in the dead-letter topic until its retention ends; doing it twice sends them twice.
    """
    if bool(offsets) == all_:
        raise click.UsageError("say which: --offset N (as often as needed) or --all")
    with errors_as_sentences():
        known = broker_settings()
        with LogReader(known) as reader:
            found = list(letters(reader, topic))
        chosen = found if all_ else _chosen(found, offsets, topic)

        async def send() -> list[dict[str, object]]:
            producer = EventProducer(known, "dlq")
            try:
                return [
                    {
                        "letter": letter.offset,
                        "id": letter.entry.id,
                        **(await redrive(producer, letter))._asdict(),
                    }
                    for letter in chosen
                ]
            finally:
                await producer.close()

        try:
            done = asyncio.run(send())
        except LogUnavailable as error:
            raise click.ClickException(str(error)) from None
    if as_json:
        print_json(done)
    else:
        for row in done:
            click.echo(f"letter {row['letter']} is now {row['topic']}/{row['partition']}@{row['offset']}")


def _chosen(found: list[Letter], offsets: tuple[int, ...], topic: str) -> list[Letter]:
    by_offset = {letter.offset: letter for letter in found}
    missing = [offset for offset in offsets if offset not in by_offset]
    if missing:
        raise click.ClickException(
            f"{topic} has no dead letter at {', '.join(map(str, missing))}: see `kinolog dlq list {topic}`"
        )
    return [by_offset[offset] for offset in offsets]


def _table(found: list[Letter]) -> None:
    table = Table(
        "letter", "time", "type", "key", "agent", "stood at", "reason", box=None, header_style="bold"
    )
    for letter in found:
        h = letter.entry.headers
        place = f"{letter.topic}/{h.get('dlq_partition', '?')}@{h.get('dlq_offset', '?')}"
        reason = f"{h.get('dlq_error', '')}: {h.get('dlq_reason', '')}"
        table.add_row(
            str(letter.offset), clock(letter.entry.at_ms), short(letter.entry.type), escape(letter.entry.key),
            h.get("dlq_agent", ""), place, escape(reason),
        )  # fmt: skip
    console().print(table)


def _summary(found: dict[str, list[Letter]]) -> None:
    table = Table("topic", "letters", "reasons", box=None, header_style="bold")
    for name, some in found.items():
        reasons = Counter(letter.entry.headers.get("dlq_error", "?") for letter in some)
        table.add_row(name, str(len(some)), ", ".join(f"{why} {n}" for why, n in reasons.most_common(3)))
    console().print(table)
