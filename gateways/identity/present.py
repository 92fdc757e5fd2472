"""From the projections' documents to the API's models: sealed texts are opened here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from gateways.core import names
from gateways.core.principal import Principal
from gateways.identity.asking import opened
from gateways.identity.context import Identity
from gateways.identity.models import ApiKey, LoginSession, Me, User
from schemas.identity.views import AccountDocument, ApiKeyView, key_works

EMAIL: Final = names.EMAIL
DISPLAY_NAME: Final = names.DISPLAY_NAME
AGENT: Final = "agent"
KEY_NAME: Final = "key_name"


async def users(identity: Identity, documents: Sequence[AccountDocument]) -> list[User]:
    """Accounts as administrators see them."""
    items = [(d["account_id"], EMAIL, d["email_sealed"]) for d in documents]
    items += [(d["account_id"], DISPLAY_NAME, d["display_name_sealed"]) for d in documents]
    texts = await opened(identity, items)
    now_ms = identity.now_ms()
    return [
        User(
            id=d["account_id"],
            state=d["state"],
            roles=d["roles"],
            email=texts[i],
            display_name=texts[i + len(documents)],
            created_at_ms=d["created_at_ms"],
            updated_at_ms=d["updated_at_ms"],
            session_count=sum(s["expires_at_ms"] > now_ms for s in d["sessions"].values()),
            api_key_count=sum(key_works(k, now_ms) for k in d["api_keys"].values()),
        )
        for i, d in enumerate(documents)
    ]


async def called(identity: Identity, account_ids: Sequence[str]) -> dict[str, str]:
    """Names, else addresses, by account id; who has neither (any more) is not in it."""
    view = await identity.projections.pin(identity.accounts)
    found = cast("list[AccountDocument | None]", await view.get_many(account_ids))
    named = await users(identity, [document for document in found if document is not None])
    return {user.id: name for user in named if (name := user.display_name or user.email)}


async def me(identity: Identity, document: AccountDocument, principal: Principal) -> Me:
    """One's own account."""
    [user] = await users(identity, [document])
    return Me(**user.model_dump(), permissions=sorted(principal.permissions))


async def sessions(identity: Identity, document: AccountDocument, current: str | None) -> list[LoginSession]:
    """Login sessions that run, newest first."""
    now_ms = identity.now_ms()
    running = [(sid, s) for sid, s in document["sessions"].items() if s["expires_at_ms"] > now_ms]
    running.sort(key=lambda entry: (entry[1]["started_at_ms"], entry[0]), reverse=True)
    account_id = document["account_id"]
    agents = await opened(identity, [(account_id, AGENT, s["agent_sealed"]) for _, s in running])
    return [
        LoginSession(
            sid=sid,
            current=sid == current,
            started_at_ms=s["started_at_ms"],
            expires_at_ms=s["expires_at_ms"],
            agent=agent,
            country=s["country"],
        )
        for (sid, s), agent in zip(running, agents, strict=True)
    ]


async def api_keys(identity: Identity, document: AccountDocument) -> list[ApiKey]:
    """API keys that were not revoked, newest first; those that expired are among them."""
    listed: list[tuple[str, ApiKeyView]] = sorted(
        document["api_keys"].items(), key=lambda entry: (entry[1]["created_at_ms"], entry[0]), reverse=True
    )
    now_ms = identity.now_ms()
    listed = [(i, k) for i, k in listed if k["ends_at_ms"] is None or k["ends_at_ms"] > now_ms]
    names = await opened(identity, [(document["account_id"], KEY_NAME, k["name_sealed"]) for _, k in listed])
    return [
        ApiKey(
            id=key_id,
            name=name,
            prefix=k["prefix"],
            scopes=k["scopes"],
            created_at_ms=k["created_at_ms"],
            expires_at_ms=k["expires_at_ms"],
            # Kept as the beginning of an hour, which for a young key may lie before it was made.
            last_used_at_ms=k["last_used_at_ms"] and max(k["last_used_at_ms"], k["created_at_ms"]),
            replaced_by=k["replaced_by"],
            ends_at_ms=k["ends_at_ms"],
        )
        for (key_id, k), name in zip(listed, names, strict=True)
    ]
