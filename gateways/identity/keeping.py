"""Passwords in the vault: each under an id of its own, so that a new one stands beside the one that counts.

Which one counts the account's events say. So a process that dies between the vault and the log leaves the
password of before, and a hash that opens nothing.
"""

from __future__ import annotations

from gateways.identity.context import Identity
from streams.core.vault import PASSWORD


async def keep(identity: Identity, account_id: str, password_id: str, password: str) -> bool:
    """Keep a password's hash under a new id. True as well if it is there already, as after a cut; False if
    another one is, or the account is being erased."""
    hashed = await identity.passwords.hash(password)
    if await identity.vault.put(
        PASSWORD, password_id, hashed, subject=account_id, if_absent=True, if_subject_known=True
    ):
        return True
    return await identity.passwords.matches(await identity.vault.get(PASSWORD, password_id), password)
