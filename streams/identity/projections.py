"""What the identity domain shows: accounts, whose an address is, and the key set. Pure.

Each folds one topic into the documents of `schemas.identity.views`. An event about an account that the
projection does not know changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from schemas.event import Event
from schemas.identity.views import (
    RECENT,
    AccountDocument,
    AddressDocument,
    ApiKeyView,
    SigningDocument,
    SigningKeyView,
)
from streams.engine import Op


def accounts(state: AccountDocument | None, event: Event) -> tuple[AccountDocument | None, list[Op]]:
    """One account's document after an event of identity.account.events."""
    if event.type == "kinolog.identity.AccountCreated":
        return _created(event), [Op("ZADD", RECENT, event.at_ms, event.key)]
    if state is None:
        return None, []
    if event.type == "kinolog.identity.SubjectErased":
        return _erased(state, event), [Op("ZREM", RECENT, event.key)]
    change = _CHANGES.get(event.type)
    if change is None or state["state"] == "erased":
        return state, []
    document: AccountDocument = {
        **state,
        "updated_at_ms": event.at_ms,
        "sessions": {s: v for s, v in state["sessions"].items() if v["expires_at_ms"] > event.at_ms},
        "api_keys": {k: v for k, v in state["api_keys"].items() if not _is_over(v, event.at_ms)},
        "links": dict(state["links"]),
    }
    change(document, event.data, event.at_ms)
    return document, []


def _is_over(key: ApiKeyView, at_ms: int) -> bool:
    """A replaced key whose overlap has passed. One that expired stays in sight until it is revoked."""
    return key["ends_at_ms"] is not None and key["ends_at_ms"] <= at_ms


def _created(event: Event) -> AccountDocument:
    data = event.data
    return {
        "account_id": event.key,
        "state": "active" if data["active"] else "invited",
        "roles": data["roles"],
        "email_sealed": data["email_sealed"],
        "display_name_sealed": data["display_name_sealed"],
        "created_at_ms": event.at_ms,
        "updated_at_ms": event.at_ms,
        "sessions": {},
        "api_keys": {},
        "links": {},
        "password_id": None,
    }


def _erased(state: AccountDocument, event: Event) -> AccountDocument:
    return {
        "account_id": event.key,
        "state": "erased",
        "roles": [],
        "email_sealed": None,
        "display_name_sealed": None,
        "created_at_ms": state["created_at_ms"],
        "updated_at_ms": event.at_ms,
        "sessions": {},
        "api_keys": {},
        "links": {},
        "password_id": None,
    }


def _link_issued(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["links"] = {
        data["link_id"]: {"purpose": data["purpose"], "expires_at_ms": data["expires_at_ms"]}
    }


def _activated(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["state"] = "active"
    document["password_id"] = data["password_id"]
    document["links"].pop(data["link_id"], None)


def _password_changed(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["password_id"] = data["password_id"]
    document["links"] = {}


def _profile_changed(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["display_name_sealed"] = data["display_name_sealed"]


def _roles_changed(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["roles"] = data["roles"]


def _disabled(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["state"] = "disabled"
    document["links"] = {}


def _enabled(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["state"] = "active" if data["active"] else "invited"


def _session_started(document: AccountDocument, data: dict[str, Any], at_ms: int) -> None:
    document["sessions"][data["sid"]] = {
        "started_at_ms": at_ms,
        "expires_at_ms": data["expires_at_ms"],
        "agent_sealed": data["agent_sealed"],
        "country": data["country"],
    }


def _session_ended(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["sessions"].pop(data["sid"], None)


def _key_created(document: AccountDocument, data: dict[str, Any], at_ms: int) -> None:
    replaced = document["api_keys"].get(data["replaces"] or "")
    if replaced is not None:
        ends: ApiKeyView = {
            **replaced,
            "replaced_by": data["key_id"],
            "ends_at_ms": data["replaced_ends_at_ms"],
        }
        document["api_keys"][data["replaces"]] = ends
    document["api_keys"][data["key_id"]] = {
        "name_sealed": data["name_sealed"],
        "prefix": data["prefix"],
        "scopes": data["scopes"],
        "created_at_ms": at_ms,
        "expires_at_ms": data["expires_at_ms"],
        "last_used_at_ms": None,
        "replaced_by": None,
        "ends_at_ms": None,
    }


def _key_revoked(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    document["api_keys"].pop(data["key_id"], None)


def _key_used(document: AccountDocument, data: dict[str, Any], _: int) -> None:
    key = document["api_keys"].get(data["key_id"])
    if key is not None:
        document["api_keys"][data["key_id"]] = {**key, "last_used_at_ms": data["used_at_ms"]}


_CHANGES: Final[dict[str, Callable[[AccountDocument, dict[str, Any], int], None]]] = {
    "kinolog.identity.LinkIssued": _link_issued,
    "kinolog.identity.AccountActivated": _activated,
    "kinolog.identity.PasswordChanged": _password_changed,
    "kinolog.identity.ProfileChanged": _profile_changed,
    "kinolog.identity.RolesChanged": _roles_changed,
    "kinolog.identity.AccountDisabled": _disabled,
    "kinolog.identity.AccountEnabled": _enabled,
    "kinolog.identity.ErasureStarted": _disabled,
    "kinolog.identity.SessionStarted": _session_started,
    "kinolog.identity.SessionEnded": _session_ended,
    "kinolog.identity.ApiKeyCreated": _key_created,
    "kinolog.identity.ApiKeyRevoked": _key_revoked,
    "kinolog.identity.ApiKeyUsed": _key_used,
}


def addresses(state: AddressDocument | None, event: Event) -> tuple[AddressDocument | None, list[Op]]:
    """Whose an address is after an event of identity.address.events; None when it is nobody's."""
    if event.type == "kinolog.identity.AddressReserved":
        return {"account_id": event.data["account_id"]}, []
    return None, []


def signing(state: SigningDocument | None, event: Event) -> tuple[SigningDocument | None, list[Op]]:
    """The key set after an event of identity.signing.events, without keys whose time is over."""
    data = event.data
    keys = [k for k in (state["keys"] if state else []) if not _has_passed(k, event.at_ms)]
    if event.type == "kinolog.identity.SigningKeyAdded":
        added: SigningKeyView = {
            "kid": data["kid"],
            "alg": data["alg"],
            "jwk": json.loads(data["jwk"]),
            "signs_from_ms": data["signs_from_ms"],
            "verifies_until_ms": None,
        }
        return {"keys": [*keys, added]}, []
    retired: list[SigningKeyView] = [
        {**k, "verifies_until_ms": data["verifies_until_ms"]} if k["kid"] == data["kid"] else k for k in keys
    ]
    return {"keys": retired}, []


def _has_passed(key: SigningKeyView, at_ms: int) -> bool:
    return key["verifies_until_ms"] is not None and key["verifies_until_ms"] <= at_ms
