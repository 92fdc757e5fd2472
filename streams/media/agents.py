"""The media domain, told without Kafka: who decides, who shows, who keeps.

An asset's decider hears what gateways ask, what workers report and what its timer reminds it of. What it
says fills the library; what it asks for is done by `workers.py`, and how far that has got is shown beside
the library. An owner's decider knows what is theirs, and sees to it when their account is erased.
"""

from __future__ import annotations

from typing import Any

from streams.engine import Event, Op, Out, decider, projector
from streams.media import owners, projections, rules


@decider("media.asset")
def asset(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """The life of an asset."""
    return rules.decide(state, event)


@decider("media.departure")
def departure(_: Any, event: Event) -> tuple[None, list[Out]]:
    """What accounts that are being erased mean to their films."""
    return None, owners.departed(event)


@decider("media.owner")
def owner(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """What belongs to one owner, until nothing does."""
    return owners.decide(state, event)


@projector("media.library")
def library(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """Assets as the library shows them."""
    return projections.library(state, event)


@projector("media.progress")
def progress(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """Who works on what."""
    return projections.progress(state, event)
