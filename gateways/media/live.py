"""GET /v1/assets/{asset_id}/events: the asset and its progress, as they change.

Every connection begins with the present state, so a Last-Event-ID of any age is welcome and needs nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import web

from gateways.core.films import may_see
from gateways.core.principal import Principal, principal_of
from gateways.core.projections import View
from gateways.core.sse import EventStream
from gateways.media import present
from gateways.media.assets import find_document
from gateways.media.context import Media, media_of
from schemas.media.views import ProgressDocument
from streams.core import metrics
from streams.core.sealing import Sealer

SERVICE = "streaming"


async def asset_events(request: web.Request) -> web.StreamResponse:
    """`event: asset` and `event: progress`; ends when the asset is deleted or the gateway drains.

    It ends, too, when the caller may no longer see the asset.
    """
    media = media_of(request)
    asset_id = request.match_info["asset_id"]
    library = await media.projections.pin(media.library)
    progress = await media.projections.pin(media.progress)
    await find_document(request, library)
    channels = [library.tag_of(asset_id), progress.tag_of(asset_id)]
    async with media.hub.watch(channels, [asset_id]) as subscription, EventStream(request) as stream:
        with metrics.STREAMS_OPEN.labels(SERVICE).track_inprogress():
            sender = _Sender(stream, library, progress, asset_id, principal_of(request), media.sealer)
            while stream.open and await sender.send_changes():
                news = await stream.pause(subscription.changed)
                if not news and stream.open and await _moved_on(media, library, progress):
                    break  # a rebuilt projection took over: the client comes back to that one
    return stream.response


async def _moved_on(media: Media, library: View, progress: View) -> bool:
    newest = await asyncio.gather(media.projections.pin(media.library), media.projections.pin(media.progress))
    return [view.version for view in newest] != [library.version, progress.version]


class _Sender:
    """Sends what differs from what this client saw last."""

    def __init__(
        self,
        stream: EventStream,
        library: View,
        progress: View,
        asset_id: str,
        principal: Principal,
        sealer: Sealer,
    ) -> None:
        self._stream = stream
        self._library = library
        self._progress = progress
        self._asset_id = asset_id
        self._principal = principal
        self._sealer = sealer
        self._last: dict[str, Any] = {}

    async def send_changes(self) -> bool:
        """False when there is nothing more to come."""
        raw, work = await asyncio.gather(
            self._library.get(self._asset_id), self._progress.get(self._asset_id)
        )
        if raw is None or not may_see(self._principal, raw):
            return False
        document = present.alive(raw)
        if document is None:
            await self._send("asset", {"id": self._asset_id, "state": "deleted"}, raw["updated_at_ms"])
            return False
        live = present.live_progress(document, cast("ProgressDocument | None", work))
        updated_at_ms = document["updated_at_ms"]
        asset = await present.asset(self._sealer, document)
        await self._send("asset", asset.model_dump(mode="json"), updated_at_ms)
        await self._send("progress", live.model_dump(mode="json"), updated_at_ms)
        return True

    async def _send(self, event: str, data: dict[str, Any], updated_at_ms: int) -> None:
        if self._last.get(event) == data:
            return
        self._last[event] = data
        metrics.PUSHES.labels(SERVICE).inc()
        await self._stream.send(event, data, str(updated_at_ms))
