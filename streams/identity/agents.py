"""The identity domain, told without Kafka: who decides, who shows.

An account's decider hears what gateways ask, and what the address's decider and the worker report. An
e-mail address has a decider of its own, so that no two accounts ever share one; so has the set of signing
keys. What is to be forgotten is forgotten by `workers.py`.
"""

from __future__ import annotations

from typing import Any

from streams.engine import Event, Op, Out, decider, projector
from streams.identity import addresses as address_rules
from streams.identity import projections, rules
from streams.identity import signing as signing_rules


@decider("identity.account")
def account(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """The life of an account."""
    return rules.decide(state, event)


@decider("identity.address")
def address(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """Whose an e-mail address is."""
    return address_rules.decide(state, event)


@decider("identity.signer")
def signer(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """Which key pairs sign session tokens."""
    return signing_rules.decide(state, event)


@projector("identity.accounts")
def accounts(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """Accounts as their owners, administrators and the gate see them."""
    return projections.accounts(state, event)


@projector("identity.addresses")
def addresses(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """From an address to its account."""
    return projections.addresses(state, event)


@projector("identity.signing")
def signing(state: Any, event: Event) -> tuple[Any, list[Op]]:
    """The public keys that session tokens are verified with."""
    return projections.signing(state, event)
