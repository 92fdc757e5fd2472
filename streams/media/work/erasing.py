"""ErasureRequested -> ObjectsErased."""

from __future__ import annotations

from streams.engine import Event, Out, Work
from streams.media.work.progress import Progress
from streams.media.work.running import report
from streams.media.work.tools import Tools


async def erase(event: Event, work: Work, progress: Progress) -> list[Out]:
    """Delete everything under the prefixes. Doing it twice finds nothing the second time."""
    tools: Tools = work.resources
    progress(0)
    count = 0
    for prefix in event.data["prefixes"]:
        count += await tools.objects.delete_prefix(prefix)
    return [report(event, "ObjectsErased", attempt=event.data["attempt"], object_count=count)]
