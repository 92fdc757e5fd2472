"""The causal chain of an asset, or of any event, rebuilt from `causation_id` alone.

Works with the broker only. By key it is quick: the key's own partitions give the first events and their
time, and everything else is read from that time on, headers first; values are decoded for the chain only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.log_reader import Entry, LogReader, Span, entry_of
from schemas.catalog import Topology
from schemas.keys import partition_of

CLOCK_SKEW_MS: Final = 60_000  # a worker's clock may be behind its cause's by this much


@dataclass(slots=True)
class Node:
    """One event of the chain and what it caused, in order of time."""

    entry: Entry
    children: list[Node] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {**self.entry.as_json(), "caused": [child.as_json() for child in self.children]}


@dataclass(frozen=True, slots=True)
class _Link:
    """What the first reading keeps of a record."""

    id: str
    cause: str
    topic: str
    partition: int
    offset: int


def find_chain(reader: LogReader, topology: Topology, wanted: str) -> list[Node]:
    """Roots of the trees that hold every event with key or ce_id `wanted`; empty if there is none.

    Blocks; reads at most the whole log once, with `wanted` a key only from its first event on.
    """
    since_ms = _first_time(reader, topology, wanted)
    spans = reader.spans(
        ((topic.name, n) for topic in topology.topics.values() for n in range(topic.partitions)), since_ms
    )
    links: dict[str, _Link] = {}
    seeds: list[str] = []
    raw_key = wanted.encode()
    for message in reader.messages(spans):
        headers = dict(message.headers() or ())
        ce_id = (headers.get("ce_id") or b"").decode()
        if not ce_id:
            continue
        # A repeat has the same id: the first one is the event.
        if ce_id not in links:
            cause = (headers.get("causation_id") or b"").decode()
            links[ce_id] = _Link(ce_id, cause, message.topic(), message.partition(), message.offset())
            if message.key() == raw_key or ce_id == wanted:
                seeds.append(ce_id)
    chain = _connected(links, seeds)
    return tree(_entries(reader, [links[ce_id] for ce_id in chain]))


def _first_time(reader: LogReader, topology: Topology, key: str) -> int:
    """Milliseconds from which the chain of `key` may begin; 0 if no record has that key."""
    spans = reader.spans((t.name, partition_of(key, t.partitions)) for t in topology.topics.values())
    raw = key.encode()
    times = [m.timestamp()[1] for m in reader.messages(spans) if m.key() == raw]
    return max(0, min(times) - CLOCK_SKEW_MS) if times else 0


def _connected(links: dict[str, _Link], seeds: Iterable[str]) -> set[str]:
    """The seeds, all that caused them, and all that those caused."""
    effects: dict[str, list[str]] = {}
    for link in links.values():
        effects.setdefault(link.cause, []).append(link.id)
    found: set[str] = set()
    for seed in seeds:
        root = seed
        climbed = {seed}
        while (cause := links[root].cause) in links and cause not in climbed:
            root = cause
            climbed.add(root)
        todo = [root]
        while todo:
            ce_id = todo.pop()
            if ce_id not in found:
                found.add(ce_id)
                todo += effects.get(ce_id, ())
    return found


def _entries(reader: LogReader, links: list[_Link]) -> list[Entry]:
    wanted = {(link.topic, link.partition, link.offset) for link in links}
    spans: dict[tuple[str, int], Span] = {}
    for topic, partition, offset in wanted:
        seen = spans.get((topic, partition), Span(topic, partition, offset, offset + 1))
        spans[topic, partition] = Span(topic, partition, min(seen.start, offset), max(seen.end, offset + 1))
    return [
        entry_of(m)
        for m in reader.messages(spans.values())
        if (m.topic(), m.partition(), m.offset()) in wanted
    ]


def tree(entries: Iterable[Entry]) -> list[Node]:
    """Entries as trees by their causes; those whose cause is not among them are roots."""
    nodes = {e.id: Node(e) for e in sorted(entries, key=lambda e: (e.at_ms, e.topic, e.partition, e.offset))}
    roots: list[Node] = []
    for node in nodes.values():
        cause = nodes.get(node.entry.cause)
        (roots if cause is None or cause is node else cause.children).append(node)
    return roots
