"""ErasureRequested -> ObjectsErased."""

from __future__ import annotations

from schemas.media.titles import subject_of
from streams.engine import Event, Out, Work
from streams.media.work.progress import Progress
from streams.media.work.running import report
from streams.media.work.tools import Tools


async def erase(event: Event, work: Work, progress: Progress) -> list[Out]:
    """Delete everything under the prefixes, and the key of a deleted asset's title. Doing it twice finds
    nothing the second time."""
    tools: Tools = work.resources
    progress(0)
    count = 0
    for prefix in event.data["prefixes"]:
        count += await tools.objects.delete_prefix(prefix)
    if event.data.get("forget_title"):
        await tools.vault.forget(subject_of(event.data["asset_id"]))
    return [report(event, "ObjectsErased", attempt=event.data["attempt"], object_count=count)]
