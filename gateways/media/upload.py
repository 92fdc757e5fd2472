"""POST /v1/assets: bytes go to the store as they arrive, the log hears of the beginning and of the end.

UploadStarted is on the log before the first part, UploadCompleted after the last; whatever ends an upload
early becomes UploadFailed, also when the client has gone. A retry with the same Idempotency-Key is the same
asset for as long as the earlier attempt did not fail; a failed one is being erased, so its retry is a new
asset, which the same key finds again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil
from typing import Any, Final

from aiohttp import web
from redis.exceptions import RedisError

from gateways.core import asking
from gateways.core.endpoint import json_response
from gateways.core.idempotency import idempotency_key, scoped_id
from gateways.core.problem import Problem, retry_later
from gateways.core.projections import View
from gateways.core.titles import sealed_title
from gateways.media import present
from gateways.media.assets import publish
from gateways.media.context import Media, media_of
from gateways.media.failures import UploadEnded, ended_by
from gateways.media.intake import Intake, open_intake
from gateways.media.models import Accepted, LogPosition
from gateways.media.parts import PartWriter, Source
from schemas.event import deterministic_id
from schemas.media.views import AssetDocument
from streams.core.logging import get_logger

_log = get_logger("gateway.upload")
ID_LENGTH: Final = 20
MAX_ATTEMPTS: Final = 20
MAX_UPLOAD_OVERHEAD_BYTES: Final = 1 << 20
LOCK_TTL_S: Final = 15.0
GIVE_UP_WAIT_S: Final = 2.0
_ROOM = web.AppKey("upload_room", asyncio.Semaphore)


def make_room(app: web.Application, concurrent: int) -> None:
    """Called once while the app is built: how many uploads run at the same time."""
    app[_ROOM] = asyncio.Semaphore(concurrent)


async def upload(request: web.Request) -> web.Response:
    """Takes one film in. Answers 202 once the upload is decided, or when `outcome_s` have passed."""
    media, room = media_of(request), request.app[_ROOM]
    _refuse_declared(request, media)
    if room.locked():
        raise retry_later("overloaded", "Too many uploads run at the moment; try again in a few seconds.", 5)
    async with room:
        base = scoped_id(request, "upload")
        view = await media.projections.pin(media.library)
        intake: Intake | None = None
        while True:
            asset_id, document = await _choose(view, base, keyed=idempotency_key(request) is not None)
            async with _alone(media, asset_id) as last:
                intake = intake or await open_intake(request, media.limits.idle_timeout_s)
                if document is not None:
                    document = await _settle(media, view, asset_id, intake)
                if document is not None and _came_to_nothing(document):
                    continue  # the end of the attempt before showed only now: choose again
                if document is not None and document["state"] != "uploading":
                    return await _repeated(media, intake, document)
                return await _take_in(media, view, asset_id, intake, last, begun=document is not None)


def _refuse_declared(request: web.Request, media: Media) -> None:
    """Problem before an asset is made: 400 for a raw body of no bytes, 413 for a body that cannot fit.

    A form has its own lines besides the file.
    """
    declared, most = request.content_length, media.limits.max_bytes
    if (declared == 0 or not request.body_exists) and not request.content_type.startswith("multipart/"):
        raise Problem("empty-upload", "Send at least one byte.")
    if declared is not None and declared > most + MAX_UPLOAD_OVERHEAD_BYTES:
        detail = f"The upload declares {declared} bytes, at most {most} fit; see MAX_UPLOAD_BYTES."
        raise Problem("too-large", detail, limit_bytes=most)


async def _choose(view: View, base: str, *, keyed: bool) -> tuple[str, AssetDocument | None]:
    """The asset of this upload, and its document if an earlier attempt with the same key made it."""
    for attempt in range(MAX_ATTEMPTS):
        asset_id = deterministic_id("asset", base, str(attempt))[:ID_LENGTH]
        raw = await view.get(asset_id) if keyed else None
        if raw is None:
            return asset_id, None
        document = present.alive(raw)
        if document is not None and not _came_to_nothing(document):
            return asset_id, document
    raise Problem("conflict", f"This Idempotency-Key has failed {MAX_ATTEMPTS} times; take a new one.")


def _came_to_nothing(document: AssetDocument) -> bool:
    """Whether the upload ended early: what it stored is being erased."""
    return document["state"] == "failed" and document["source_hash"] is None


@asynccontextmanager
async def _alone(media: Media, asset_id: str) -> AsyncIterator[list[asyncio.Task[None]]]:
    """One upload of an asset at a time, in all gateways: two would overwrite each other's parts.

    The lock is held until the tasks put into the list are done as well: a retry must not begin before the
    end of the attempt before it is on the log.
    """
    name, token = f"edge:upload:{asset_id}", uuid.uuid4().hex
    if not await media.locks.acquire(name, token, LOCK_TTL_S):
        raise Problem(
            "upload-in-progress",
            "An upload with this Idempotency-Key is running; wait for it, or send another key.",
            headers={"Retry-After": str(max(1, ceil(await media.locks.left_s(name))))},
        )
    keeper = asyncio.create_task(_keep(media, name, token), name=f"lock-{asset_id}")
    last: list[asyncio.Task[None]] = []

    async def end() -> None:
        await asyncio.gather(*last, return_exceptions=True)
        keeper.cancel()
        await media.locks.release(name, token)

    try:
        yield last
    finally:
        ending = media.background.start(end(), f"release {name}")
        if not last:
            await asyncio.shield(ending)


async def _keep(media: Media, name: str, token: str) -> None:
    """Hold the lock for as long as the upload lasts, also over a moment without Redis."""
    while True:
        await asyncio.sleep(LOCK_TTL_S / 3)
        try:
            if not await media.locks.renew(name, token, LOCK_TTL_S):
                await media.locks.acquire(name, token, LOCK_TTL_S)  # an emptied store has forgotten it
        except (RedisError, OSError) as error:
            _log.warning("the lock of an upload could not be renewed", lock=name, error=repr(error))


async def _settle(media: Media, view: View, asset_id: str, intake: Intake) -> AssetDocument | None:
    """The document after everything that is on the log for this asset now.

    An UploadStarted of an asset that exists is refused, harmlessly; once the refusal shows, so does all
    that came before it, an UploadCompleted of the earlier attempt included. It says no title: sealing one
    could bring back a key that was forgotten meanwhile.
    """
    request_id = uuid.uuid4().hex
    await _start(media, asset_id, intake, None, request_id)
    await view.await_outcome(asset_id, request_id, media.waits.outcome_s)
    return present.alive(await view.get(asset_id))


async def _start(
    media: Media, asset_id: str, intake: Intake, title_sealed: str | None, request_id: str
) -> LogPosition:
    data = {
        "title": "",
        "title_sealed": title_sealed,
        "file_name": "",  # it may tell of its owner, and nobody needs it
        "declared_size_bytes": intake.declared_size_bytes,
        "owner_id": intake.owner_id,
        "visibility": intake.visibility,
        "protection": intake.protection,
    }
    return await publish(media, asset_id, "UploadStarted", data, request_id)


async def _take_in(
    media: Media,
    view: View,
    asset_id: str,
    intake: Intake,
    last: list[asyncio.Task[None]],
    *,
    begun: bool,
) -> web.Response:
    sealed = None if begun else await sealed_title(media.sealer, asset_id, intake.title)
    writer = PartWriter(media.objects, asset_id, media.limits)
    try:
        if not begun:  # a client may leave while this is on its way: from here on, the log hears of the end
            await _start(media, asset_id, intake, sealed, deterministic_id("upload-started", asset_id))
        async for chunk in intake.chunks:
            await writer.write(chunk)
        source = await writer.finish()
    except BaseException as error:
        reason = ended_by(error)
        # In the background: the client may have gone, and this task with it.
        giving_up = _give_up(media, asset_id, writer, reason)
        last.append(media.background.start(giving_up, f"give up upload {asset_id}"))
        _log.info("upload ended early", asset_id=asset_id, reason=reason.code, bytes=writer.size_bytes)
        if reason.problem is None:
            raise
        await asyncio.wait(last, timeout=GIVE_UP_WAIT_S)  # so that a retry finds the attempt ended
        raise reason.problem from error
    return await _complete(media, view, asset_id, source)


async def _complete(media: Media, view: View, asset_id: str, source: Source) -> web.Response:
    request_id = deterministic_id("upload-completed", asset_id, source.source_hash)
    # Shielded: the bytes are all there, so a client that leaves now does not undo the upload.
    completing = publish(media, asset_id, "UploadCompleted", {"source": source.as_record()}, request_id)
    position = await asyncio.shield(media.background.start(completing, f"complete upload {asset_id}"))
    outcome = await view.await_outcome(asset_id, request_id, media.waits.outcome_s)
    problem = asking.refused(outcome)
    if problem is not None:
        raise problem
    document = present.alive(await view.get(asset_id))
    known = document is not None and document["state"] != "uploading"
    accepted = Accepted(
        id=asset_id,
        state=document["state"] if document is not None else "uploading",
        request_id=request_id,
        position=position,
        asset=await present.asset(media.sealer, document) if known and document is not None else None,
        links=present.links(asset_id, document),
    )
    return json_response(accepted, 202, Location=accepted.links.self)


async def _give_up(media: Media, asset_id: str, writer: PartWriter, reason: UploadEnded) -> None:
    await writer.abort()
    data: dict[str, Any] = {"code": reason.code, "sentence": reason.sentence}
    await publish(media, asset_id, "UploadFailed", data, deterministic_id("upload-failed", asset_id))


async def _repeated(media: Media, intake: Intake, document: AssetDocument) -> web.Response:
    """The asset is there: read the body to its end, compare, and answer as the first time."""
    writer = PartWriter(media.objects, document["id"], media.limits, store=False)
    async for chunk in intake.chunks:
        await writer.write(chunk)
    source = await writer.finish()
    if source.source_hash != document["source_hash"]:
        raise Problem(
            "idempotency-key-reused",
            "This Idempotency-Key belongs to an upload of another file; send a new key with this one.",
        )
    request_id = deterministic_id("upload-completed", document["id"], source.source_hash)
    asset = await present.asset(media.sealer, document)
    accepted = Accepted(
        id=asset.id, state=asset.state, request_id=request_id, position=None, asset=asset, links=asset.links
    )
    return json_response(accepted, 202, Location=asset.links.self)
