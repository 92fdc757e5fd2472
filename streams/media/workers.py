"""The media domain's long work: what is asked for on media.work.requests is done here.

One worker does every kind, in one pool of warm, confined processes: a probe and the first chunk of a film
are urgent and never queue behind the chunks of another.
"""

from __future__ import annotations

from typing import Final

from streams.engine import Event, Out, Work, worker
from streams.media.work import setup
from streams.media.work.chunks import encode_chunk
from streams.media.work.erasing import erase
from streams.media.work.probing import probe
from streams.media.work.protecting import plan_protection
from streams.media.work.running import Body, carry_out, wanted
from streams.media.work.storyboards import make_storyboard

BODIES: Final[dict[str, tuple[str, Body]]] = {
    "kinolog.media.ProbeRequested": ("probe", probe),
    "kinolog.media.ChunkRequested": ("chunk", encode_chunk),
    "kinolog.media.StoryboardRequested": ("storyboard", make_storyboard),
    "kinolog.media.ProtectionPlanRequested": ("protection", plan_protection),
    "kinolog.media.ErasureRequested": ("erasure", erase),
}


@worker("media.encode", setup=setup.tools, slots=setup.slots, urgent_slots=setup.URGENT_SLOTS, wanted=wanted)
async def encode(event: Event, work: Work) -> list[Out]:
    """One piece of work, from lease to report."""
    kind, body = BODIES[event.type]
    return await carry_out(event, work, kind, body)
