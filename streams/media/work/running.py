"""What all kinds of work have in common: of use at all? done, failed or dropped; who is told what.

A body returns its reports. What it raises becomes a report too, so that the asset's decider, who counts
failures, decides what comes of it; nothing but an outage of the store or of the vault is waited out here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import structlog

from schemas.media.objects import asset_prefix
from streams.core.objects import NoSuchObject, ObjectStoreUnavailable
from streams.core.vault import VaultUnavailable
from streams.engine import Event, Out, Work
from streams.media.encoder_process import EncoderFailed, SourceUnreadable
from streams.media.reasons import MediaProblem
from streams.media.work.progress import Progress
from streams.media.work.source import PATIENCE_S
from streams.media.work.tools import Tools

log = structlog.get_logger("kinolog.media.work")

REPORTS: Final = "media.asset.requests"
OF_NO_USE: Final = frozenset({"deleted", "failed"})

T = TypeVar("T")
Body = Callable[[Event, Work, Progress], Awaitable[list[Out]]]


def report(event: Event, name: str, **data: Any) -> Out:
    """A report on the work of `event` to the asset's decider."""
    common = {"asset_id": event.data["asset_id"], "work_id": event.data["work_id"]}
    return Out(REPORTS, common["asset_id"], f"kinolog.media.{name}", {**common, **data})


async def wanted(event: Event, work: Work) -> bool:
    """Whether this work is still of use: not once its asset is deleted or failed. Asked every second."""
    if event.type == "kinolog.media.ErasureRequested":
        return True
    tools: Tools = work.resources
    if await tools.library.state_of(event.data["asset_id"]) not in OF_NO_USE:
        return True
    tools.dropped.add(event.id)
    return False


async def carry_out(event: Event, work: Work, kind: str, body: Body) -> list[Out]:
    """Run a body to its reports. Redelivered work is done anew, or found done by the body itself."""
    tools: Tools = work.resources
    progress = Progress(event, work, kind)
    try:
        if not await wanted(event, work):
            return await _dropped(event, work, progress)
        async with progress:
            outs, outcome = await _outcome(event, work, kind, body, progress)
        return [*outs, *progress.ended(outcome)]
    except asyncio.CancelledError:
        # Stopped in the middle: by `wanted`, by a lost lease, or with the process. Only the first is ours.
        if event.id in tools.dropped:
            for out in await _dropped(event, work, progress):
                await work.report(out)
        raise
    finally:
        tools.dropped.discard(event.id)


async def _dropped(event: Event, work: Work, progress: Progress) -> list[Out]:
    """Clear away what this or an earlier run wrote after the erasure of a deleted asset."""
    tools: Tools = work.resources
    asset_id = event.data["asset_id"]
    log.info("work dropped", work_id=event.data["work_id"])
    if await tools.library.state_of(asset_id) == "deleted":
        await patiently(lambda: tools.objects.delete_prefix(asset_prefix(asset_id)))
    return progress.ended("dropped")


async def _outcome(
    event: Event, work: Work, kind: str, body: Body, progress: Progress
) -> tuple[list[Out], str]:
    try:
        outs = await patiently(lambda: body(event, work, progress))
    except MediaProblem as problem:
        log.info(
            "work ended in a problem", work_id=event.data["work_id"], code=problem.code, why=str(problem)
        )
        return [_failure(event, kind, problem)], "failed"
    except (EncoderFailed, SourceUnreadable, NoSuchObject) as error:
        log.warning("work failed", work_id=event.data["work_id"], error=str(error))
    except Exception:
        log.exception("work failed", work_id=event.data["work_id"])
    else:
        reused = any(out.data.get("reused") for out in outs)
        return outs, "reused" if reused else "done"
    return [_failure(event, kind, MediaProblem("internal"))], "failed"


def _failure(event: Event, kind: str, problem: MediaProblem) -> Out:
    data = {
        "attempt": event.data["attempt"],
        "code": problem.code,
        "sentence": problem.sentence,
        "retryable": problem.retryable,
    }
    if kind == "chunk":
        plan = event.data["plan"]
        place = {"profile_hash": plan["profile_hash"], "chunk_index": event.data["chunk_index"]}
        return report(event, "ChunkFailed", **place, **data)
    if kind == "probe" and not problem.retryable:
        return report(event, "SourceRejected", code=problem.code, sentence=problem.sentence)
    return report(event, "WorkFailed", kind=kind, **data)


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call until the object store and the vault are there. Everything a body does may be done twice."""
    while True:
        try:
            return await call()
        except (ObjectStoreUnavailable, VaultUnavailable) as error:
            log.warning("a store is away, waiting", error=str(error))
            await asyncio.sleep(PATIENCE_S)
