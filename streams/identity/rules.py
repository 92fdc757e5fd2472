"""The life of an account, from its invitation to its erasure: every decision about it. Pure.

    invited -> active <-> disabled
         any of them -> erasing -> erased

`decide` is a fold over requests. What must be secret is in the vault before a request speaks of it, and a
secret without the event that follows is of no use to anybody: so a request that never arrives leaves nothing
behind that works, and one that arrives twice changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.event import Event
from schemas.identity.views import MOST_KEYS, MOST_SESSIONS
from streams.engine import Out, Refuse
from streams.identity.life import State
from streams.identity.turn import Turn


def decide(state: State | None, event: Event) -> tuple[State | None, list[Out]]:
    """The account's new state and what is to be said. Raises Refuse for what cannot be."""
    if event.type == "kinolog.identity.AccountRequested":
        return _open(state, event)
    if state is None:
        if event.type in _REPORTS:
            return None, []  # of an account that its address was not free for
        raise Refuse("account_unknown", "There is no such account: GET /v1/users lists those there are.")
    turn = Turn(state, event)
    _RULES[event.type](turn, event.data)
    return turn.state, turn.all_outs()


# --- opening


def _open(state: State | None, event: Event) -> tuple[State, list[Out]]:
    if state is not None:
        return state, []
    data = event.data
    active = data["link_id"] is None
    new: State = {
        "phase": "active" if active else "invited",
        "address_hmac": data["address_hmac"],
        "roles": data["roles"],
        "sessions": {},
        "api_keys": {},
    }
    turn = Turn(new, event)
    turn.say(
        "AccountCreated",
        email_sealed=data["email_sealed"],
        display_name_sealed=data["display_name_sealed"],
        roles=data["roles"],
        active=active,
        actor=data["actor"],
    )
    if not active:
        _issue(turn, {**data, "expires_at_ms": data["link_expires_at_ms"]})
    return turn.state, turn.outs


# --- one-time links and passwords


def _link_requested(turn: Turn, data: dict[str, Any]) -> None:
    turn.must_be("invited", "active")
    _issue(turn, data)


def _issue(turn: Turn, data: dict[str, Any]) -> None:
    """Give out a link; an earlier one is void, so that one lost in a mailbox opens nothing later."""
    purpose = "invite" if turn.phase == "invited" else "reset"
    turn.state["link"] = {
        "link_id": data["link_id"],
        "purpose": purpose,
        "expires_at_ms": data["expires_at_ms"],
    }
    turn.say(
        "LinkIssued",
        link_id=data["link_id"],
        purpose=purpose,
        expires_at_ms=data["expires_at_ms"],
        actor=data["actor"],
    )


def _link_redeemed(turn: Turn, data: dict[str, Any]) -> None:
    turn.must_be("invited", "active")
    link = turn.link
    if link is None or link["link_id"] != data["link_id"]:
        raise Refuse("link_spent", "This link has been used, or is too old: ask for a new one.")
    turn.state.pop("link")
    if turn.phase == "invited":
        turn.state["phase"] = "active"
        turn.state["password_id"] = data["password_id"]
        turn.say("AccountActivated", link_id=data["link_id"], password_id=data["password_id"])
    else:
        # The password counts from the event that ends the sessions of the one before, never earlier.
        turn.take_password(data["password_id"])
        turn.say("PasswordChanged", link_id=data["link_id"], password_id=data["password_id"])
        turn.end_sessions("password_changed")
    turn.discard("one_time_link", data["link_id"])
    if data["display_name_sealed"] is not None:
        turn.say("ProfileChanged", display_name_sealed=data["display_name_sealed"])


def _password_replaced(turn: Turn, data: dict[str, Any]) -> None:
    turn.must_be("active")
    turn.must_count(data["replaces_id"])
    turn.state.pop("link", None)
    turn.take_password(data["password_id"])
    turn.say("PasswordChanged", link_id=None, password_id=data["password_id"])
    turn.end_sessions("password_changed", keep=data["keep_sid"])


# --- what an owner or an administrator changes


def _profile_change_requested(turn: Turn, data: dict[str, Any]) -> None:
    turn.must_be("invited", "active")
    turn.say("ProfileChanged", display_name_sealed=data["display_name_sealed"])


def _account_change_requested(turn: Turn, data: dict[str, Any]) -> None:
    turn.must_be("invited", "active", "disabled")
    actor = data["actor"]
    if data["roles"] is not None and sorted(data["roles"]) != sorted(turn.state["roles"]):
        turn.state["roles"] = data["roles"]
        turn.say("RolesChanged", roles=data["roles"], actor=actor)
    if data["disabled"] is True and turn.phase != "disabled":
        turn.state["invited"] = turn.phase == "invited"
        turn.state["phase"] = "disabled"
        turn.state.pop("link", None)
        turn.say("AccountDisabled", actor=actor)
        turn.end_sessions("account_disabled")
    elif data["disabled"] is False and turn.phase == "disabled":
        invited = turn.state.pop("invited", False)
        turn.state["phase"] = "invited" if invited else "active"
        turn.say("AccountEnabled", active=not invited, actor=actor)
    if not turn.outs:
        raise Refuse("nothing_to_change", "The account is so already: nothing is left to do.")


# --- login sessions


def _session_requested(turn: Turn, data: dict[str, Any]) -> None:
    turn.must_be("active")
    turn.must_count(data["password_id"])
    sid = data["sid"]
    if sid in turn.sessions:
        raise Refuse("session_exists", "There is a login session of this id: sign in again.")
    while len(turn.sessions) >= MOST_SESSIONS:
        oldest = min(turn.sessions, key=lambda s: (turn.sessions[s]["started_at_ms"], s))
        turn.end_session(oldest, "too_many")
    expires_at_ms = data["expires_at_ms"]
    turn.sessions[sid] = {"started_at_ms": turn.now_ms, "expires_at_ms": expires_at_ms}
    turn.say(
        "SessionStarted",
        sid=sid,
        expires_at_ms=expires_at_ms,
        agent_sealed=data["agent_sealed"],
        country=data["country"],
    )


def _session_end_requested(turn: Turn, data: dict[str, Any]) -> None:
    sid = data["sid"]
    if sid is None:
        turn.end_sessions(data["reason"], keep=data["keep_sid"])
    elif sid in turn.sessions:
        turn.end_session(sid, data["reason"])
    if not turn.outs:
        raise Refuse("session_over", "No such login session is running: nothing is left to do.")


# --- API keys


def _api_key_requested(turn: Turn, data: dict[str, Any]) -> None:
    turn.must_be("active")
    key_id, replaces = data["key_id"], data["replaces"]
    if key_id in turn.keys:
        raise Refuse("api_key_exists", "There is an API key of this id: make another one.")
    if len(turn.keys) >= MOST_KEYS:
        raise Refuse("too_many_api_keys", f"An account has at most {MOST_KEYS} API keys: revoke one first.")
    ends_at_ms = None
    if replaces is not None:
        old = turn.keys.get(replaces)
        if old is None:
            raise Refuse("api_key_unknown", "There is no such API key: make a new one.")
        if old["ends_at_ms"] is not None:
            raise Refuse("api_key_replaced", "This API key has been replaced already: rotate its successor.")
        ends_at_ms = turn.now_ms + data["overlap_ms"]
        turn.keys[replaces] = {**old, "ends_at_ms": ends_at_ms}
    turn.keys[key_id] = {"expires_at_ms": data["expires_at_ms"], "ends_at_ms": None}
    turn.say(
        "ApiKeyCreated",
        key_id=key_id,
        name_sealed=data["name_sealed"],
        prefix=data["prefix"],
        scopes=data["scopes"],
        expires_at_ms=data["expires_at_ms"],
        replaces=replaces,
        replaced_ends_at_ms=ends_at_ms,
    )


def _api_key_revocation_requested(turn: Turn, data: dict[str, Any]) -> None:
    if turn.keys.pop(data["key_id"], None) is None:
        raise Refuse("api_key_unknown", "There is no such API key: nothing is left to do.")
    turn.say("ApiKeyRevoked", key_id=data["key_id"], reason="revoked")
    turn.discard("api_key", data["key_id"])


def _api_key_used(turn: Turn, data: dict[str, Any]) -> None:
    if data["key_id"] in turn.keys:
        turn.say("ApiKeyUsed", key_id=data["key_id"], used_at_ms=data["used_at_ms"])


# --- erasure


def _erasure_requested(turn: Turn, data: dict[str, Any]) -> None:
    turn.must_be("invited", "active", "disabled")
    turn.say("ErasureStarted", actor=data["actor"], films=data.get("films"), heir_id=data.get("heir_id"))
    turn.end_sessions("account_erased")
    for key_id in turn.keys:
        turn.say("ApiKeyRevoked", key_id=key_id, reason="account_erased")
    turn.state = {
        "phase": "erasing",
        "address_hmac": turn.state["address_hmac"],
        "roles": [],
        "sessions": {},
        "api_keys": {},
    }
    turn.forget()


def _vault_forgotten(turn: Turn, _: dict[str, Any]) -> None:
    # Whichever attempt it was: nothing of the account was written after the first was asked for.
    if turn.phase != "erasing":
        return
    turn.forgotten()
    turn.say("SubjectErased")
    turn.state = {"phase": "erased", "sessions": {}, "api_keys": {}}


def _timer_due(turn: Turn, _: dict[str, Any]) -> None:
    if turn.phase == "erasing":
        turn.forget()


_RULES: Final[dict[str, Callable[[Turn, dict[str, Any]], None]]] = {
    "kinolog.identity.LinkRequested": _link_requested,
    "kinolog.identity.LinkRedeemed": _link_redeemed,
    "kinolog.identity.PasswordReplaced": _password_replaced,
    "kinolog.identity.ProfileChangeRequested": _profile_change_requested,
    "kinolog.identity.AccountChangeRequested": _account_change_requested,
    "kinolog.identity.SessionRequested": _session_requested,
    "kinolog.identity.SessionEndRequested": _session_end_requested,
    "kinolog.identity.ApiKeyRequested": _api_key_requested,
    "kinolog.identity.ApiKeyRevocationRequested": _api_key_revocation_requested,
    "kinolog.identity.ApiKeyUsed": _api_key_used,
    "kinolog.identity.ErasureRequested": _erasure_requested,
    "kinolog.identity.VaultForgotten": _vault_forgotten,
    "kinolog.engine.TimerDue": _timer_due,
}
_REPORTS: Final = frozenset(
    ("kinolog.identity.VaultForgotten", "kinolog.identity.ApiKeyUsed", "kinolog.engine.TimerDue")
)
