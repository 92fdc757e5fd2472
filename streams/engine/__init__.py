"""The engine: everything between Kafka and a domain's pure functions. Domains import from here only."""

from schemas.event import Event
from streams.engine.agents import Out, Refuse, decider, projector, worker
from streams.engine.ops import Op
from streams.engine.workers import Work

__all__ = ["Event", "Op", "Out", "Refuse", "Work", "decider", "projector", "worker"]
