"""The media domain, told without Kafka: who decides, who shows, who keeps.

An asset's decider hears what gateways ask, what workers report and what its timer reminds it of. What it
says fills the library; what it asks for is done by `workers.py`, and how far that has got is shown beside
the library.
"""

from __future__ import annotations

from typing import Any

from streams.engine import Event, Op, Out, decider, projector
from streams.media import projections, rules


@decider("media.asset")
def asset(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """The life of an asset."""
    return rules.decide(state, event)


@projector("media.library")
def library(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """Assets as the library shows them."""
    return projections.library(state, event)


@projector("media.progress")
def progress(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """Who works on what."""
    return projections.progress(state, event)
