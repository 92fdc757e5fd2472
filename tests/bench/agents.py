"""The benches' agents, as a domain would write them."""

from __future__ import annotations

from typing import Any

from streams.engine import Event, Op, Out, decider, projector
from tests.bench.meter import Meter

State = dict[str, Any]
meter = Meter.from_environment()


@projector("bench.touch")
@projector("bench.touch-counted")
def touch(event: Event) -> None:
    """Decode (the engine did) and touch."""
    if event.data["n"] < 0:
        raise ValueError(event)
    meter.count()


@decider("bench.decide")
def decide(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """Keyed state, one output."""
    count = (state or {"count": 0})["count"] + 1
    out = Out("bench.decided.events", event.key, "kinolog.bench.Counted", {**event.data, "count": count})
    return {"count": count, "last": event.data["n"]}, [out]


@projector("bench.project")
def project(state: State | None, event: Event) -> tuple[State | None, list[Op]]:
    """Keyed document, and one op on a key of the projection's own."""
    return {"count": event.data["count"], "last": event.data["n"], "user": event.data["user"]}, [
        Op("ZADD", "recent", event.at_ms, event.key)
    ]


@projector("bench.live")
def live(state: State | None, event: Event) -> tuple[State | None, list[Op]]:
    """What the latency bench watches."""
    return {"n": event.data["n"]}, []
