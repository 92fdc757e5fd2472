"""What both manifest writers ask of an asset's document."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from schemas.media.grid import audio_durations, chunks_of, plan_cuts, video_durations
from schemas.media.plan import AUDIO_RENDITION, Plan, Rendition, fps_of, rendition_named
from schemas.media.protection import CLEAR_KEY, kids_in, label_in
from schemas.media.views import AssetDocument, RenditionView

AAC_CODECS = "mp4a.40.2"


@dataclass(frozen=True, slots=True)
class Track:
    """Timing of a rung or of the sound: segment durations in units of `timescale`."""

    name: str
    timescale: int
    durations: list[int]

    @property
    def durations_s(self) -> list[Fraction]:
        return [Fraction(duration, self.timescale) for duration in self.durations]


class Film:
    """A planned asset; ValueError for one without a plan."""

    def __init__(self, document: AssetDocument) -> None:
        plan = document["plan"]
        if plan is None:
            raise ValueError(f"asset {document['id']} has no plan yet, so it has no manifest")
        self.document = document
        self.plan: Plan = plan
        self.is_whole = document["state"] == "ready"
        self.media_base = f"../media/{plan['profile_hash']}"

    @property
    def has_sound(self) -> bool:
        return self.plan["audio"]["mode"] != "none"

    @property
    def views(self) -> list[RenditionView]:
        """The rungs, lowest first."""
        return self.document["renditions"]

    @property
    def audio_view(self) -> RenditionView | None:
        return self.document["audio"] if self.has_sound else None

    @property
    def scheme(self) -> str | None:
        """How the segments are encrypted; None: they are not."""
        protection = self.plan.get("protection")
        return protection["scheme"] if protection is not None else None

    def systems(self, *, clear_key: bool) -> list[str]:
        """Systems that a manifest speaks of: Clear Key, where asked for or alone, or all others.

        One manifest never speaks of both (DASH-IF's guidelines).
        """
        protection = self.plan.get("protection")
        others = [name for name in protection["systems"] if name != CLEAR_KEY] if protection else []
        return [CLEAR_KEY] if clear_key or not others else others

    @property
    def kids(self) -> list[str]:
        """KIDs of all renditions; none if they are not encrypted."""
        protection = self.plan.get("protection")
        return list(kids_in(protection).values()) if protection is not None else []

    def kid(self, rendition: str) -> str | None:
        """KID of a rendition's key; None if it is not encrypted."""
        protection = self.plan.get("protection")
        return kids_in(protection)[label_in(self.plan, rendition)] if protection is not None else None

    def rung(self, view: RenditionView) -> Rendition:
        return rendition_named(self.plan, view["name"])

    def track(self, name: str) -> Track:
        """Timing of a rendition by name; KeyError names those there are."""
        if name == AUDIO_RENDITION:
            if not self.has_sound:
                raise KeyError("this film is silent: it has no rendition 'audio'")
            return Track(name, self.plan["audio"]["sample_rate_hz"], audio_durations(self.plan))
        rendition_named(self.plan, name)
        return Track(name, self.plan["timescale"], video_durations(self.plan))

    def segments_there(self) -> int:
        """Segments from the first on without a hole."""
        if self.is_whole:
            return self.plan["segment_count"]
        chunks = next((end for first, end in self.document["done"] if first == 0), 0)
        if chunks == 0:
            return 0
        return chunks_of(fps_of(self.plan), plan_cuts(self.plan))[chunks - 1].end

    def target_duration_s(self) -> int:
        """Whole seconds that no segment's rounded duration exceeds; the same while the film grows."""
        return max(1, int(self.longest_segment_s() + Fraction(1, 2)))

    def longest_segment_s(self) -> Fraction:
        """Of pictures and sound; the same while the film grows."""
        names = [self.plan["renditions"][0]["name"], *([AUDIO_RENDITION] if self.has_sound else [])]
        return max(max(self.track(name).durations_s) for name in names)


def bandwidth_of(view: RenditionView, audio: RenditionView | None) -> int:
    """Peak bits per second of a rung with its sound."""
    return view["bandwidth"] + (audio["bandwidth"] if audio else 0)


def codecs_of(view: RenditionView, audio: RenditionView | None) -> str:
    """RFC 6381 codecs of a rung with its sound; empty before the first chunk is there."""
    names = [view["codecs"] or "", (audio["codecs"] or AAC_CODECS) if audio else ""]
    return ",".join(name for name in names if name)
