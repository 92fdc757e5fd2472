"""A clip through probe, plan and every chunk in this process, and readers for what comes out."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt

from schemas.media.grid import chunk_segments, frame_ticks
from schemas.media.plan import AUDIO_RENDITION, Plan
from streams.media import boxes, jobs
from streams.media.encode_audio import encode_sound
from streams.media.encode_video import Track, encode_pictures
from streams.media.plan import make_plan
from streams.media.probe import Probe
from streams.media.source import BlockCache
from tests.media_fixtures.numbered import BEEP_HZ, number_in
from tests.media_fixtures.sources import FileSource

SOURCE_HASH = "0" * 64


@dataclass
class Film:
    """All renditions of a film: per name one init segment and the segments in order."""

    probe: Probe
    plan: Plan
    inits: dict[str, set[bytes]]
    segments: dict[str, list[bytes]]

    def joined(self, name: str) -> bytes:
        (init,) = self.inits[name]
        return init + b"".join(self.segments[name])


def open_file(path: Path) -> jobs.OpenSource:
    source = FileSource(path)
    return jobs.OpenSource(source.key, BlockCache(source.size, source.read))


def probe_file(path: Path) -> Probe:
    return cast(Probe, open_file(path).probe())


def encode_file(path: Path) -> Film:
    """Every chunk of a clip, in order, with decoders kept open."""
    source = open_file(path)
    probe = cast(Probe, source.probe())
    plan = make_plan(probe, SOURCE_HASH)
    film = Film(probe, plan, {}, {})
    for index in range(plan["chunk_count"]):
        for name, track in encode_chunk(plan, index, source).items():
            film.inits.setdefault(name, set()).add(track.init)
            film.segments.setdefault(name, []).extend(track.segments)
    source.close()
    return film


def encode_chunk(plan: Plan, index: int, source: jobs.OpenSource) -> dict[str, Track]:
    segments = chunk_segments(plan, index)
    tracks = encode_pictures(plan, segments, source.pictures(plan))
    if plan["audio"]["mode"] != "none":
        tracks[AUDIO_RENDITION] = encode_sound(plan, segments, source.sound(plan))
    return tracks


def pictures_of(film: Film, name: str) -> list[av.VideoFrame]:
    """Every picture of a rung in the order shown."""
    with av.open(io.BytesIO(film.joined(name))) as container:
        return list(container.decode(video=0))


def numbers_of(film: Film, name: str) -> list[int | None]:
    """The frame number that each picture of a rung carries."""
    return [number_in(np.asarray(p.to_ndarray(format="gray"), np.uint8)) for p in pictures_of(film, name)]


def shown_slots(film: Film, name: str) -> list[int]:
    """The slot each sample of a rung is shown in, by `tfdt` and `trun` alone, ascending."""
    slots: list[int] = []
    for segment in film.segments[name]:
        at = boxes.decode_time(segment)
        for duration, offset in samples_of(segment):
            slot = Fraction(at + offset, frame_ticks(film.plan))
            assert slot.denominator == 1, f"a picture of {name} lies between two slots"
            slots.append(slot.numerator)
            at += duration
    return sorted(slots)


def samples_of(segment: bytes) -> list[tuple[int, int]]:
    """(duration, composition offset) of every sample of a segment, in units of its timescale."""
    tfhd = boxes.find(segment, b"moof", b"traf", b"tfhd")
    trun = boxes.find(segment, b"moof", b"traf", b"trun")
    flags, tfhd_flags = int.from_bytes(trun[1:4], "big"), int.from_bytes(tfhd[1:4], "big")
    at = 8 + 8 * bool(tfhd_flags & 1) + 4 * bool(tfhd_flags & 2)
    usual = struct.unpack_from(">I", tfhd, at)[0] if tfhd_flags & 8 else 0
    (count,) = struct.unpack_from(">I", trun, 4)
    at = 8 + 4 * bool(flags & 1) + 4 * bool(flags & 4)
    found: list[tuple[int, int]] = []
    for _ in range(count):
        duration, offset = usual, 0
        for bit in (0x100, 0x200, 0x400, 0x800):
            if flags & bit:
                value = struct.unpack_from(">i", trun, at)[0]
                duration = value if bit == 0x100 else duration
                offset = value if bit == 0x800 else offset
                at += 4
        found.append((duration, offset))
    return found


def sound_of(film: Film) -> npt.NDArray[np.float32]:
    """The sound as one channel of samples from the film's time 0 on, as a player would place it."""
    start = boxes.decode_time(film.segments[AUDIO_RENDITION][0])
    pieces: list[Any] = [np.zeros(start, np.float32)]
    with av.open(io.BytesIO(film.joined(AUDIO_RENDITION))) as container:
        pieces += [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(pieces)


def beep_starts_s(samples: npt.NDArray[np.float32], rate_hz: int) -> list[float]:
    """When each beep begins: where the envelope of the beep's tone passes half of its height."""
    t = np.arange(samples.size) / rate_hz
    window = max(1, rate_hz // 500)
    mixed = samples * np.exp(-2j * np.pi * BEEP_HZ * t)
    envelope = np.abs(np.convolve(mixed, np.ones(window) / window, "same"))
    loud = envelope > envelope.max() / 2
    edges = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    starts: list[float] = []
    for edge in edges:
        if not starts or edge / rate_hz - starts[-1] > 0.3:
            starts.append(float(edge / rate_hz))
    return starts
