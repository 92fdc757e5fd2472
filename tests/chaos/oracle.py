"""What the projections must hold, from the acknowledged requests alone, by plain loops."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from schemas.keys import partition_of, pointer_key, tag
from tests.chaos.rules import copy_keys, split_keys, wants_work

PARTITIONS = 4
Acked = dict[str, list[str]]


@dataclass
class Held:
    """What the stores hold at the end."""

    clients: dict[str, dict[str, Any]] = field(default_factory=dict)  # state of the first decider
    copies: dict[str, list[list[Any]]] = field(default_factory=dict)  # documents of the projector
    counts: dict[str, int] = field(default_factory=dict)  # its HINCRBY beside them
    lists: dict[str, list[str]] = field(default_factory=dict)  # its RPUSH beside them
    rows: list[tuple[int, int, str]] = field(default_factory=list)  # ClickHouse: partition, offset, ce_id


def copies(acked: Acked) -> int:
    """Entries the projector must hold in all."""
    return sum(
        len(copy_keys(rid, j)) for rids in acked.values() for rid in rids for j in range(len(split_keys(rid)))
    )


def faults(acked: Acked, held: Held, log_ends: list[int]) -> list[str]:
    """Every difference, as sentences; none means exact. `log_ends`: records of the last topic."""
    return [
        *_client_faults(acked, held),
        *_copy_faults(acked, held),
        *_beside_faults(held),
        *_row_faults(acked, held, log_ends),
    ]


def _client_faults(acked: Acked, held: Held) -> list[str]:
    found = []
    for client, rids in acked.items():
        state = held.clients.get(client, {"n": 0, "toiled": {}})
        if state["n"] != len(rids):
            found.append(f"client {client}: {len(rids)} requests acknowledged, {state['n']} counted")
        toiled = {rid: 1 for rid in rids if wants_work(rid)}
        if state["toiled"] != toiled:
            odd = {rid: n for rid, n in state["toiled"].items() if toiled.get(rid) != n}
            missing = sorted(set(toiled) - set(state["toiled"]))
            found.append(f"client {client}: work missing {missing[:5]}, odd {dict(list(odd.items())[:5])}")
    return found


def _copy_faults(acked: Acked, held: Held) -> list[str]:
    # Order holds along one path: client -> event key -> copy key.
    want: dict[str, dict[tuple[str, str], list[Any]]] = defaultdict(lambda: defaultdict(list))
    b_counts: Counter[str] = Counter()
    for client, rids in acked.items():
        for n, rid in enumerate(rids, 1):
            for j, event_key in enumerate(split_keys(rid)):
                b_counts[event_key] += 1
                for i, copy_key in enumerate(copy_keys(rid, j)):
                    want[copy_key][client, event_key].append((rid, j, n, i))
    found: list[str] = []
    seen_bn: dict[str, set[int]] = defaultdict(set)
    for key in want.keys() | held.copies.keys():
        have: dict[tuple[str, str], list[Any]] = defaultdict(list)
        newest: dict[str, int] = {}
        for rid, j, n, i, b, bn in held.copies.get(key, []):
            have[rid.rsplit("-", 1)[0], b].append((rid, j, n, i))
            seen_bn[b].add(bn)
            if bn < newest.get(b, 0):
                found.append(f"copies of {key}: {b} number {bn} after {newest[b]}")
            newest[b] = bn
        for path in want[key].keys() | have.keys():
            if want[key].get(path, []) != have.get(path, []):
                wanted, got = Counter(want[key].get(path, [])), Counter(have.get(path, []))
                missing, extra = sorted((wanted - got).elements()), sorted((got - wanted).elements())
                found.append(f"copies of {key} along {path}: missing {missing[:3]}, extra {extra[:3]}")
    found += [
        f"events of {key}: {count} decided, counters seen {len(seen_bn[key])}"
        for key, count in b_counts.items()
        if any(copy_key for copy_key in seen_bn[key]) and seen_bn[key] != set(range(1, count + 1))
    ]
    return found


def _beside_faults(held: Held) -> list[str]:
    found = []
    for key, entries in held.copies.items():
        if held.counts.get(key) != len(entries):
            found.append(f"count of {key} is {held.counts.get(key)}, its document has {len(entries)}")
        if held.lists.get(key) != [entry[0] for entry in entries]:
            found.append(f"list of {key} differs from its document")
    return found


def _row_faults(acked: Acked, held: Held, log_ends: list[int]) -> list[str]:
    """The history holds the log as it is, repeats included, each record once."""
    found = []
    places = Counter((partition, offset) for partition, offset, _ in held.rows)
    doubled = [place for place, count in places.items() if count > 1]
    if doubled:
        found.append(f"history: {len(doubled)} records twice, the first {sorted(doubled)[:3]}")
    if len(places) != sum(log_ends):
        found.append(f"history: {len(places)} records of {sum(log_ends)} on the log")
    ids = {ce_id for _, _, ce_id in held.rows}
    if len(ids) != copies(acked):
        found.append(f"history: {len(ids)} different events, expected {copies(acked)}")
    return found


def projector_tag(client: Any, partition: int) -> str:
    """Where readers find the projector's keys now: a rebuild moves them to the next version."""
    version = int(client.get(pointer_key("chaos.c")) or 1)
    return tag("chaos.c", version, partition)


def read_redis(client: Any) -> Held:
    """Everything the stages keep in Redis or Redis Cluster."""
    held = Held()
    for partition in range(PARTITIONS):
        a, c = tag("chaos.a", 1, partition), projector_tag(client, partition)
        held.clients |= {key.decode(): json.loads(doc) for key, doc in client.hgetall(f"{a}:state").items()}
        for key, doc in client.hgetall(f"{c}:state").items():
            held.copies[key.decode()] = json.loads(doc)["entries"]
        held.counts |= {key.decode(): int(n) for key, n in client.hgetall(f"{c}:count").items()}
    for key in held.copies:
        c = projector_tag(client, partition_of(key, PARTITIONS))
        held.lists[key] = [rid.decode() for rid in client.lrange(f"{c}:list:{key}", 0, -1)]
    return held


def applied(client: Any) -> int:
    """Entries the projector holds now: cheap, to see whether it is done."""
    counts = [client.hvals(f"{projector_tag(client, p)}:count") for p in range(PARTITIONS)]
    return sum(int(n) for values in counts for n in values)
