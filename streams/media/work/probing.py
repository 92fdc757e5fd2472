"""ProbeRequested -> SourceProbed or SourceRejected."""

from __future__ import annotations

from streams.engine import Event, Out, Work
from streams.media.encoder_process import SourceUnreadable
from streams.media.plan import make_plan
from streams.media.reasons import MediaProblem
from streams.media.work.progress import Progress
from streams.media.work.protecting import with_keys
from streams.media.work.running import report
from streams.media.work.source import uploaded
from streams.media.work.tools import Tools

INFO = ("container", "video_codec", "audio_codec", "width", "height", "duration_ms")


async def probe(event: Event, work: Work, progress: Progress) -> list[Out]:
    """Examine the source in a confined child and plan its encoding. Doing it twice gives the same plan and
    the same keys."""
    tools: Tools = work.resources
    asset_id, stored = event.data["asset_id"], event.data["source"]
    if stored["size_bytes"] == 0:
        raise MediaProblem("empty")
    progress(0)
    with uploaded(asset_id, stored, tools) as source:
        try:
            found = await tools.encoders.probe(source, priority=event.data["priority"])
        except SourceUnreadable:
            if source.missing:
                raise MediaProblem("source_missing", source.missing) from None
            raise
    info = {name: value for name, value in found.items() if name in INFO}
    plan = make_plan(found, stored["source_hash"])
    wanted = event.data.get("protection")
    if wanted is not None:
        plan = await with_keys(plan, asset_id, wanted, tools)
    return [report(event, "SourceProbed", info=info, plan=plan)]
