"""Entries of the vault that no account speaks of: left by requests that were cut off and never sent again.

They open nothing, but they would pile up. Each gateway looks for them every SWEEP_EVERY_S; several at once
find the same, which does no harm. What is dropped has been there for ORPHAN_AGE_S, and its account's decider
answered a question that was put after it was found unknown: so every request that could have spoken of it,
the log being in order, was decided before the account is looked at for the last time. An entry that was
written anew meanwhile stays. Keys of rooms that are no account's stay, too: rooms do not end.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from typing import Any, Final, cast

from redis.exceptions import RedisError

from gateways.core.problem import Problem
from gateways.identity.asking import ask
from gateways.identity.context import Identity
from schemas.chat.titles import is_room
from schemas.identity.views import AccountDocument, password_of
from schemas.media.titles import asset_of
from streams.core.logging import get_logger
from streams.core.vault import API_KEY, LOGIN_SESSION, ONE_TIME_LINK, PASSWORD, SUBJECT_KEY, VaultError
from streams.core.vault_care import Filed, filed_before

SWEEP_EVERY_S: Final = 3600.0
ORPHAN_AGE_S: Final = 86_400.0  # a request of now is decided in moments, its retries come within minutes
# Who was never heard of may be on the way through the address's decider, whom nobody asks here: so it is
# waited for longer than workers are ever away.
UNKNOWN_AGE_S: Final = 30 * ORPHAN_AGE_S
_log = get_logger("gateway.identity.sweeping")


async def sweep(identity: Identity) -> int:
    """Drop what no account speaks of; returns how many entries that were."""
    dropped = 0
    async for batch in filed_before(identity.vault, ORPHAN_AGE_S):
        films = [entry for entry in batch if asset_of(entry.subject) is not None]
        dropped += await _dropped_films(identity, films)
        people = [entry for entry in batch if asset_of(entry.subject) is None and not is_room(entry.subject)]
        orphans: dict[str, list[Filed]] = defaultdict(list)
        for entry, document in zip(people, await _documents(identity, people), strict=True):
            if not stands(document, entry):
                orphans[entry.subject].append(entry)
        for account_id, entries in orphans.items():
            dropped += await _dropped(identity, account_id, entries)
    return dropped


async def _dropped_films(identity: Identity, entries: list[Filed]) -> int:
    """Drop the keys of deleted films' titles, made anew by a request that came at the moment of the deletion.

    Those of uploads that never became a film stay: an emptied library knows of no film either.
    """
    view = await identity.projections.pin(identity.library)
    documents = await view.get_many([str(asset_of(entry.subject)) for entry in entries])
    gone = [
        await identity.vault.delete(entry.kind, entry.id, token=entry.token)
        for entry, document in zip(entries, documents, strict=True)
        if document is not None and document["state"] == "deleted"
    ]
    return sum(gone)


async def _documents(identity: Identity, entries: list[Filed]) -> list[AccountDocument | None]:
    view = await identity.projections.pin(identity.accounts)
    found = await view.get_many([entry.subject for entry in entries])
    return cast("list[AccountDocument | None]", found)


def stands(document: AccountDocument | None, entry: Filed) -> bool:
    """Whether the account speaks of the entry, or may yet. Of what is no account's business: yes."""
    if document is None:
        return entry.age_s < UNKNOWN_AGE_S
    if document["state"] == "erased":
        return False
    known: dict[str, Any] = {
        SUBJECT_KEY: (document["account_id"],),
        PASSWORD: (password_of(document),),
        API_KEY: document["api_keys"],
        LOGIN_SESSION: document["sessions"],
        ONE_TIME_LINK: document["links"],
    }
    return entry.kind not in known or entry.id in known[entry.kind]


async def _dropped(identity: Identity, account_id: str, entries: list[Filed]) -> int:
    if not await _all_decided(identity, account_id):
        return 0  # it is tried again at the next sweep
    documents = await _documents(identity, entries)
    gone = [
        await identity.vault.delete(entry.kind, entry.id, token=entry.token)
        for entry, document in zip(entries, documents, strict=True)
        if not stands(document, entry)
    ]
    return sum(gone)


async def _all_decided(identity: Identity, account_id: str) -> bool:
    """Whether everything that was asked of the account before has been decided, and is in its document."""
    nothing = {
        "sid": secrets.token_hex(16),  # of no session: the decider has nothing to do but to say so
        "keep_sid": None,
        "reason": "signed_out",
        "actor": account_id,
    }
    try:
        await ask(identity, account_id, "SessionEndRequested", nothing, secrets.token_hex(16))
    except Problem as problem:
        return problem.members.get("code") is not None
    return True


async def keep_swept(identity: Identity) -> None:
    """Sweeps for ever. What is away is no reason to stop."""
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        try:
            dropped = await sweep(identity)
        except (Problem, VaultError, RedisError, OSError) as error:
            _log.warning("the vault was not swept, the next time is in an hour", error=str(error))
        else:
            _log.info("the vault was swept", dropped=dropped)
