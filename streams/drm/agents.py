"""The DRM domain, told without Kafka: who decides, who shows.

An account's decider hears what players, shops and operators ask of its licences, devices and streams. What it
says is shown to gateways (`accounts`) and kept for ever as rows (`licences`). What policies say, and who may
watch a film, is decided apart: a gateway reads it, and it stands in each request for a licence.
"""

from __future__ import annotations

from typing import Any

from schemas.drm.history import LICENCES_DDL
from streams.drm import access, projections, rules
from streams.engine import Event, Op, Out, decider, projector


@decider("drm.account")
def account(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """What an account may watch, and what plays where."""
    return rules.decide(state, event)


@decider("drm.departure")
def departure(_: Any, event: Event) -> tuple[None, list[Out]]:
    """What accounts that are being erased mean here."""
    return None, rules.departed(event)


@projector("drm.accounts")
def accounts(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """An account's rights, devices, streams and newest licences."""
    return projections.accounts(state, event)


@projector("drm.licences", ddl=LICENCES_DDL)
def licences(event: Event) -> list[dict[str, Any]]:
    """A row for each licence that was granted or denied."""
    return projections.licences(event)


@decider("drm.policy")
def policy(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """What a policy says."""
    return access.decide_policy(state, event)


@projector("drm.policies")
def policies(_: Any, event: Event) -> tuple[Any, list[Op]]:
    """Policies as gateways apply them."""
    return access.policy_document(event), []


@decider("drm.film")
def film(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """Who may watch a film."""
    return access.decide_film(state, event)


@projector("drm.films")
def films(_: Any, event: Event) -> tuple[Any, list[Op]]:
    """Films as gateways give licences of them."""
    return access.film_document(event), []
