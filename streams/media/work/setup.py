"""A worker process's tools, made once and closed in order."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from schemas.catalog import topology
from streams.core.clients import redis_client
from streams.core.content_keys import ContentKeys
from streams.core.objects import ObjectStore
from streams.core.settings import Settings
from streams.core.vault import open_vault
from streams.media.pool import EncoderPool, PoolSettings
from streams.media.work.library import LibraryReader
from streams.media.work.tools import Tools

log = structlog.get_logger("kinolog.media.work")

URGENT_SLOTS = 2  # slots beside the others: a probe and a first chunk never queue behind another film


OFFERED_A_PROCESS = 8  # the pool picks from so many, to keep processes in runs; half of a film's window


def processes(settings: Settings) -> int:
    """Background encoder processes: so many jobs are truly under way."""
    return settings.encode_slots or os.cpu_count() or 1


def slots(settings: Settings) -> int:
    """Jobs held for the pool to pick from. Those that wait there keep their leases, but have not begun."""
    return processes(settings) * OFFERED_A_PROCESS


@asynccontextmanager
async def tools(settings: Settings) -> AsyncIterator[Tools]:
    """Warm encoder processes, the object store, the library and the vault.

    Raises MediaProblem `sandbox_unavailable` if decoders cannot be confined and settings ask for it,
    VaultUnusable without the vault's keys.
    """
    limits = PoolSettings(background=processes(settings), allow_unconfined=not settings.sandbox_required)
    pool = EncoderPool(limits)
    redis, vault = redis_client(settings), open_vault(settings)
    async with ObjectStore(settings) as objects:
        try:
            await pool.start()
            log.info(
                "encoders are warm", processes=len(pool.processes), sandbox=pool.processes[0].sandbox_mode
            )
            library = LibraryReader(redis, topology())
            worker = f"{socket.gethostname()}/{settings.instance}"
            yield Tools(
                objects, pool, library, vault, ContentKeys(vault), worker, settings.max_upload_bytes,
                allow_unconfined=not settings.sandbox_required,
            )  # fmt: skip
        finally:
            await pool.stop()
            await redis.aclose()
            await vault.aclose()
