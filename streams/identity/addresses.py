"""Whose an e-mail address is: one decider for each address, so no two accounts ever share one. Pure."""

from __future__ import annotations

from typing import Final, TypedDict

from schemas.event import Event
from streams.engine import Out
from streams.identity.life import forgetting

EVENTS: Final = "identity.address.events"
ACCOUNTS: Final = "identity.account.requests"


class State(TypedDict):
    """The decider's document for one address. None: nobody has it."""

    account_id: str


def decide(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """The address's new state and what is to be said."""
    if event.type == "kinolog.identity.AddressClaimed":
        return _claimed(state, event)
    return _released(state, event)


def _claimed(state: State | None, event: Event) -> tuple[State, list[Out]]:
    data = event.data
    account_id = data["account_id"]
    if state is not None:
        return state, _taken(event, forget=account_id != state["account_id"])
    reserved = {"address_hmac": event.key, "account_id": account_id}
    return {"account_id": account_id}, [
        Out(EVENTS, event.key, "kinolog.identity.AddressReserved", reserved),
        Out(ACCOUNTS, account_id, "kinolog.identity.AccountRequested", dict(data)),
    ]


def _taken(event: Event, *, forget: bool) -> list[Out]:
    """The gateway made a key for a person who gets no account: the vault is to forget it again."""
    refusal = {
        "request_id": event.id,
        "request_type": event.type,
        "code": "address_taken",
        "detail": "There is an account with this address already: choose another, or change that one.",
    }
    outs = [Out(EVENTS, event.key, "kinolog.engine.RequestRefused", refusal)]
    return [*outs, forgetting(event.data["account_id"], 1)] if forget else outs


def _released(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    if state is None or state["account_id"] != event.data["account_id"]:
        return state, []
    return None, [Out(EVENTS, event.key, "kinolog.identity.AddressFreed", dict(event.data))]
