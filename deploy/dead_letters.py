"""Dead letters for people: what lies in `<topic>.dlq`, and how it goes back.

A letter is the original record with `dlq_*` headers that say where it stood and why it is here. Going back
keeps key, bytes, time and `ce_id`. It drops `src`, since readers' marks have passed it, and names in
`redrive_agent` the one agent that did not handle it: the others already have it and skip it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from deploy.log_reader import Entry, LogReader, entry_of
from schemas.event import REDRIVE_AGENT
from schemas.headers import Headers
from schemas.keys import DLQ_SUFFIX, dlq_of
from streams.core.producer import EventProducer, Position

_DROPPED: Final = frozenset({"src", REDRIVE_AGENT})


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. `entry` is the record in the dead-letter topic, `raw` its value."""

    entry: Entry
    raw: bytes
    raw_headers: Headers

    @property
    def offset(self) -> int:
        return self.entry.offset

    @property
    def topic(self) -> str:
        """Where it stood."""
        return self.entry.headers.get("dlq_topic", self.entry.topic.removesuffix(DLQ_SUFFIX))

    def as_json(self) -> dict[str, Any]:
        """The letter for programs; `raw` is hexadecimal."""
        reasons = {n.removeprefix("dlq_"): v for n, v in self.entry.headers.items() if n.startswith("dlq_")}
        return {**self.entry.as_json(), "letter": reasons, "raw": self.raw.hex()}


def letters(reader: LogReader, topic: str) -> Iterator[Letter]:
    """Every letter of `topic` (with or without .dlq), oldest first. Blocks. Raises LogError."""
    name = topic if topic.endswith(DLQ_SUFFIX) else dlq_of(topic)
    spans = reader.spans((name, partition) for partition in range(reader.partitions(name)))
    for message in reader.messages(spans):
        headers = [(n, v or b"") for n, v in message.headers() or ()]
        yield Letter(entry_of(message), message.value() or b"", headers)


async def redrive(producer: EventProducer, letter: Letter) -> Position:
    """Put the letter's event back on its topic, for the agent that failed. At least once.

    Raises LogUnavailable. Doing it twice is harmless to deciders, which know the `ce_id`.
    """
    headers = [(n, v) for n, v in letter.raw_headers if n not in _DROPPED and not n.startswith("dlq_")]
    agent = letter.entry.headers.get("dlq_agent", "")
    if agent:
        headers.append((REDRIVE_AGENT, agent.encode()))
    return await producer.send(letter.topic, letter.entry.key, letter.raw, headers, letter.entry.at_ms)
