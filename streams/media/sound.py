"""Sound of a source, placed on the film's clock to the sample.

A stretch is a buffer of planar float samples; decoded blocks are laid into it where their times say, so a
late start, a gap or an early end is silence and overlaps overwrite. Containers that round times (Matroska:
to a millisecond) would place neighbouring stretches some samples apart and every join would click: blocks
that follow on are therefore placed as a run, at the mean of what their times say, and on the block grid of
the track where that is within a few samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av import AudioFrame, AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from schemas.media.grid import nearest
from streams.media.pictures import packets_of
from streams.media.reasons import MediaProblem

SAMPLE_BYTES = 4
SAMPLE_FORMAT = "fltp"
DECODER_PREROLL_S = Fraction(3, 10)  # Opus asks for 80 ms, MP3's reservoir for less; the rest steadies means
BREAK_S = Fraction(1, 20)
SNAP_SAMPLES = 4
RESAMPLE_BLOCK = 4096


@dataclass(slots=True)
class Stretch:
    """Planar float samples [start, end) of the film at one rate; silence until written."""

    start: int
    end: int
    channels: list[bytearray]

    @classmethod
    def silent(cls, start: int, end: int, channels: int) -> Stretch:
        return cls(start, end, [bytearray((end - start) * SAMPLE_BYTES) for _ in range(channels)])

    def lay(self, at: int, planes: list[memoryview], samples: int) -> None:
        """Write a block whose first sample is number `at`; what lies outside is dropped."""
        low, high = max(at, self.start), min(at + samples, self.end)
        if low >= high:
            return
        to = slice((low - self.start) * SAMPLE_BYTES, (high - self.start) * SAMPLE_BYTES)
        of = slice((low - at) * SAMPLE_BYTES, (high - at) * SAMPLE_BYTES)
        for channel, plane in zip(self.channels, planes, strict=True):
            channel[to] = plane[of]

    def frames(self, size: int, rate_hz: int) -> Iterator[AudioFrame]:
        """The stretch as frames of `size` samples (the last may be shorter), stamped with sample numbers."""
        layout = layout_name(len(self.channels))
        for at in range(self.start, self.end, size):
            samples = min(size, self.end - at)
            frame = AudioFrame(SAMPLE_FORMAT, layout, samples)
            part = slice((at - self.start) * SAMPLE_BYTES, (at - self.start + samples) * SAMPLE_BYTES)
            for plane, channel in zip(frame.planes, self.channels, strict=True):
                plane.update(bytes(channel[part]))
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, at, Fraction(1, rate_hz)
            yield frame


def layout_name(channels: int) -> str:
    return "mono" if channels == 1 else "stereo"


class SoundReader:
    """Reads stretches of one sound stream. Not safe for two threads; keeps its demuxer open."""

    def __init__(self, container: InputContainer, stream_index: int, origin_s: Fraction) -> None:
        stream = container.streams[stream_index]
        if not isinstance(stream, AudioStream) or stream.time_base is None:
            raise MediaProblem("internal", f"stream {stream_index} is no sound stream")
        self.container = container
        self.stream = stream
        self.origin_s = origin_s
        self.rate_hz = stream.codec_context.sample_rate
        self._tick_s = stream.time_base

    def close(self) -> None:
        self.container.close()

    def seek(self, at_s: Fraction) -> None:
        """Stand at or before a time of the film."""
        pts = int((at_s + self.origin_s) / self._tick_s)
        try:
            self.container.seek(pts, stream=self.stream, backward=True)
        except FFmpegError:
            self.container.seek(0, backward=True)
        self.stream.codec_context.flush_buffers()

    def stretch(self, start: int, end: int, channels: int, rate_hz: int) -> Stretch:
        """Samples [start, end) of the film at `rate_hz`, mixed to mono or stereo."""
        if rate_hz == self.rate_hz:
            return self._native(start, end, channels)
        # Resampling begins at a sample that both rates share, or each stretch would have its own phase.
        ratio = Fraction(rate_hz, self.rate_hz)
        first, last = start // ratio.numerator - 1, -(-end // ratio.numerator) + 1
        native = self._native(first * ratio.denominator, last * ratio.denominator, channels)
        out = Stretch.silent(start, end, channels)
        resampler = AudioResampler(SAMPLE_FORMAT, layout_name(channels), rate_hz)
        at = first * ratio.numerator
        for frame in [*native.frames(RESAMPLE_BLOCK, self.rate_hz), None]:
            for made in resampler.resample(frame):
                out.lay(at, _planes(made), made.samples)
                at += made.samples
        return out

    def _native(self, start: int, end: int, channels: int) -> Stretch:
        """Samples [start, end) at the source's own rate."""
        out = Stretch.silent(start, end, channels)
        for run in self._runs(start, end, channels):
            at = run.first_sample(self._grid_offset())
            for samples, planes in run.blocks:
                out.lay(at, planes, samples)
                at += samples
        return out

    def _grid_offset(self) -> int:
        pts = self.stream.start_time or 0
        return nearest((pts * self._tick_s - self.origin_s) * self.rate_hz)

    def _runs(self, start: int, end: int, channels: int) -> Iterator[_Run]:
        """Blocks from before `start` to `end`, grouped by whether each follows on from the last."""
        self.seek(max(-self.origin_s, Fraction(start, self.rate_hz) - DECODER_PREROLL_S))
        run = _Run()
        mixer = _Mixer(layout_name(channels), self.rate_hz)
        for frame in self._decode():
            says = run.next_at if frame.pts is None else self._sample_at(frame.pts)
            if run.blocks and abs(says - run.next_at) > BREAK_S * self.rate_hz:
                yield run
                run = _Run()
            if says >= end and run.next_at >= end:
                break
            for mixed in mixer.mix(frame):
                run.add(says, mixed.samples, [memoryview(bytes(p)) for p in _planes(mixed)])
                says += mixed.samples
        if run.blocks:
            yield run

    def _sample_at(self, pts: int) -> Fraction:
        return (pts * self._tick_s - self.origin_s) * self.rate_hz

    def _decode(self) -> Iterator[AudioFrame]:
        for packet in packets_of(self.container, self.stream):
            try:
                frames: list[Any] = packet.decode()
            except MemoryError:
                raise
            except FFmpegError:
                continue  # a lost block is silence
            yield from frames


class _Mixer:
    """Any sample format and channel layout to planar float mono or stereo at the same rate."""

    def __init__(self, layout: str, rate_hz: int) -> None:
        self._layout = layout
        self._rate_hz = rate_hz
        self._shape: tuple[object, ...] = ()
        self._resampler = AudioResampler(SAMPLE_FORMAT, layout, rate_hz)

    def mix(self, frame: AudioFrame) -> list[AudioFrame]:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            self._resampler = AudioResampler(SAMPLE_FORMAT, self._layout, self._rate_hz)
            self._shape = shape
        frame.pts = None  # placed by us; the resampler would fill what it takes for gaps
        return self._resampler.resample(frame)


class _Run:
    """Blocks that follow one another."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, list[memoryview]]] = []
        self._starts: list[Fraction] = []  # what each block's time says of where the run starts
        self._samples = 0

    @property
    def next_at(self) -> Fraction:
        return (self._starts[0] if self._starts else Fraction(-(1 << 60))) + self._samples

    def add(self, says: Fraction, samples: int, planes: list[memoryview]) -> None:
        self._starts.append(says - self._samples)
        self.blocks.append((samples, planes))
        self._samples += samples

    def first_sample(self, grid_offset: int) -> int:
        """Where the run begins: the mean of its blocks' times, on the track's block grid if that is near."""
        mean = sum(self._starts, Fraction(0)) / len(self._starts)
        size = self.blocks[0][0]
        on_grid = nearest((mean - grid_offset) / size) * size + grid_offset
        return on_grid if abs(on_grid - mean) <= SNAP_SAMPLES else nearest(mean)


def _planes(frame: AudioFrame) -> list[memoryview]:
    return [memoryview(plane)[: frame.samples * SAMPLE_BYTES] for plane in frame.planes]
