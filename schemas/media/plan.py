"""The plan of an encoding as encoder, deciders and manifest writers read it: the record `Plan` of the events.

Every number a segment depends on stands in it, so that any process on any machine makes the same bytes from
the same plan and source.
"""

from __future__ import annotations

from fractions import Fraction

from schemas.media.events import AudioPlan, Plan, Rendition

__all__ = ["AUDIO_RENDITION", "AudioPlan", "Plan", "Rendition", "fps_of", "rendition_named"]

AUDIO_RENDITION = "audio"


def fps_of(plan: Plan) -> Fraction:
    """Frames per second of the output."""
    return Fraction(plan["fps_num"], plan["fps_den"])


def rendition_named(plan: Plan, name: str) -> Rendition:
    """The rung of that name; KeyError names those there are."""
    for rendition in plan["renditions"]:
        if rendition["name"] == name:
            return rendition
    known = ", ".join(r["name"] for r in plan["renditions"])
    raise KeyError(f"no rendition {name!r} in this plan; it has {known}")
