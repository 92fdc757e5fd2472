"""The identity domain's outside work: the vault forgets a person, to the last byte of its file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from streams.core.settings import Settings
from streams.core.vault import Vault, VaultUnavailable, open_vault
from streams.engine import Event, Out, Work, worker

log = structlog.get_logger("kinolog.identity.work")

REPORTS: Final = "identity.account.requests"
PATIENCE_S: Final = 1.0


@asynccontextmanager
async def vault(settings: Settings) -> AsyncIterator[Vault]:
    """The vault, for as long as the worker runs."""
    opened = open_vault(settings)
    try:
        yield opened
    finally:
        await opened.aclose()


@worker("identity.erase", setup=vault)
async def erase(event: Event, work: Work) -> list[Out]:
    """ForgettingRequested -> VaultForgotten; DiscardRequested tells nobody. Doing either twice finds nothing
    the second time."""
    data = event.data
    while True:
        try:
            if event.type == "kinolog.identity.DiscardRequested":
                return await _discard(work.resources, data["entries"])
            await work.resources.forget(data["account_id"])
            break
        except VaultUnavailable as error:
            log.warning("the vault is away, waiting", work_id=data["work_id"], error=str(error))
            await asyncio.sleep(PATIENCE_S)
    report = {name: data[name] for name in ("account_id", "work_id", "attempt")}
    return [Out(REPORTS, data["account_id"], "kinolog.identity.VaultForgotten", report)]


async def _discard(vault: Vault, entries: list[str]) -> list[Out]:
    """Ids are never given twice: what became useless stays so, however late this comes."""
    for entry in entries:
        kind, _, id = entry.partition(":")
        await vault.delete(kind, id)
    return []
