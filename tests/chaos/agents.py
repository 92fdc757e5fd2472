"""The chaos stages as agents: the engine's public API, and nothing of Kafka."""

from __future__ import annotations

import asyncio
from typing import Any

from streams.engine import Event, Op, Out, Work, decider, projector, worker
from tests.chaos.rules import copy_keys, split_keys, wants_work

State = dict[str, Any]
TABLE = """\
CREATE TABLE IF NOT EXISTS {table}
(topic LowCardinality(String), partition UInt32, offset UInt64, id String, rid String)
ENGINE = MergeTree ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 100000
"""


@decider("chaos.a")
def decide_a(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """Counts a client's requests and splits each; keeps which works are outstanding and which were done.

    A report may come again long after the window of requests has forgotten it: a FLUSHALL takes the leases'
    memory of what is done, and the work is done anew. So a decider takes only reports that it waits for.
    """
    state = state or {"n": 0, "asked": [], "toiled": {}}
    rid = event.data["rid"]
    if event.type == "kinolog.chaos.Toiled":
        if rid not in state["asked"]:
            return state, []
        asked = [other for other in state["asked"] if other != rid]
        toiled = {**state["toiled"], rid: state["toiled"].get(rid, 0) + 1}
        return {**state, "asked": asked, "toiled": toiled}, []
    n = state["n"] + 1
    outs = [
        Out("chaos.a.events", key, "kinolog.chaos.Split", {"rid": rid, "j": j, "n": n})
        for j, key in enumerate(split_keys(rid))
    ]
    if wants_work(rid):
        toil = {"rid": rid, "work_id": f"toil:{rid}", "priority": n % 10}
        outs.append(Out("chaos.work.requests", f"toil:{rid}", "kinolog.chaos.Toil", toil))
        state = {**state, "asked": [*state["asked"], rid]}
    return {**state, "n": n}, outs


@decider("chaos.b")
def decide_b(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """Counts the events of a key and copies each."""
    bn = (state or {"n": 0})["n"] + 1
    return {"n": bn}, [
        Out("chaos.b.events", key, "kinolog.chaos.Copied", {**event.data, "i": i, "b": event.key, "bn": bn})
        for i, key in enumerate(copy_keys(event.data["rid"], event.data["j"]))
    ]


@projector("chaos.c")
def project_c(state: State | None, event: Event) -> tuple[State | None, list[Op]]:
    """Every copy of a key in order, and a count beside it that no document protects."""
    data = event.data
    entry = [data["rid"], data["j"], data["n"], data["i"], data["b"], data["bn"]]
    entries = [*(state or {"entries": []})["entries"], entry]
    return {"entries": entries}, [
        Op("HINCRBY", "count", event.key, 1),
        Op("RPUSH", f"list:{event.key}", data["rid"]),
    ]


@projector("chaos.log", ddl=TABLE)
def rows(event: Event) -> list[dict[str, Any]]:
    """One row an event."""
    return [
        {"topic": event.topic, "partition": event.partition, "offset": event.offset, "id": event.id,
         "rid": event.data.get("rid", "")}
    ]  # fmt: skip


@worker("chaos.work", slots=8)
async def toil(event: Event, work: Work) -> list[Out]:
    """A second of pretended work, interrupted when the lease is lost."""
    try:
        await asyncio.wait_for(work.lost.wait(), 0.3)
    except TimeoutError:
        rid = event.data["rid"]
        client = rid.rsplit("-", 1)[0]
        return [Out("chaos.a.requests", client, "kinolog.chaos.Toiled", {"rid": rid, "token": work.token})]
    return []
