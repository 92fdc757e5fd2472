"""Sound of a segment range -> AAC fragments.

Segment i holds the AAC frames that begin within the time of video segment i; decode times are frame
numbers times 1024 in units of the sample rate. Ranges are encoded apart and yet join without a click: each
begins some frames early, drops them, and sees two frames beyond its end, so encoder and decoder overlap
what a whole-track encode would have had there. AAC-LC sources pass through packet by packet.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from typing import Any

import av
from av import Packet

from schemas.media.grid import AAC_FRAME_SAMPLES, Span, audio_spans
from schemas.media.plan import Plan
from streams.media import boxes
from streams.media.encode_video import Track
from streams.media.pictures import packets_of
from streams.media.reasons import MediaProblem
from streams.media.sound import SoundReader, layout_name

PREROLL_FRAMES = 4
POSTROLL_FRAMES = 2
COPY_PREROLL_S = Fraction(1, 10)
MUXER_OPTIONS = {
    "movflags": "+empty_moov+default_base_moof+frag_discont+skip_trailer",
    "frag_duration": "999000000",  # one fragment a file: a segment is a file
    "use_editlist": "0",
    "avoid_negative_ts": "disabled",
    "fflags": "+bitexact",
}
ENCODER_OPTIONS = {"aac_coder": "fast", "flags": "+bitexact"}


def encode_sound(plan: Plan, segments: Span, reader: SoundReader) -> Track:
    """The sound of a range of segments, encoded or copied as the plan says."""
    spans = audio_spans(plan)[segments.start : segments.end]
    frames = Span(spans[0].start, spans[-1].end)
    if plan["audio"]["mode"] == "copy":
        packets, template = _copied(plan, frames, reader), reader.stream
    else:
        packets, template = _encoded(plan, frames, reader), None
    files = [
        _mux(plan, span, packets[span.start - frames.start : span.end - frames.start], template)
        for span in spans
    ]
    return Track(files[0].init, [segment for file in files for segment in file.segments], "mp4a.40.2")


def warm_up() -> None:
    """Open the encoder once, so that the first real use finds it loaded."""
    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "fltp"
    encoder.time_base = Fraction(1, 48_000)
    encoder.open()


def _encoded(plan: Plan, frames: Span, reader: SoundReader) -> list[Packet[Any]]:
    audio = plan["audio"]
    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout = audio["sample_rate_hz"], layout_name(audio["channels"])
    encoder.format, encoder.bit_rate = "fltp", audio["bitrate_kbps"] * 1000
    encoder.time_base = Fraction(1, audio["sample_rate_hz"])
    encoder.options = ENCODER_OPTIONS
    stretch = reader.stretch(
        (frames.start - PREROLL_FRAMES) * AAC_FRAME_SAMPLES,
        (frames.end + POSTROLL_FRAMES) * AAC_FRAME_SAMPLES,
        audio["channels"],
        audio["sample_rate_hz"],
    )
    kept: list[Packet[Any]] = []
    for frame in [*stretch.frames(AAC_FRAME_SAMPLES, audio["sample_rate_hz"]), None]:
        for packet in encoder.encode(frame):
            if frames.start <= packet.pts // AAC_FRAME_SAMPLES < frames.end:
                kept.append(packet)
    if len(kept) != frames.length:
        raise MediaProblem("internal", f"the AAC encoder gave {len(kept)} frames, expected {frames.length}")
    return kept


def _copied(plan: Plan, frames: Span, reader: SoundReader) -> list[Packet[Any]]:
    """The source's packets by their place on the AAC grid; a missing one is filled by the one before."""
    rate_hz, start = plan["audio"]["sample_rate_hz"], plan["audio"]["start_samples"]
    tick_s = reader.stream.time_base or Fraction(1, rate_hz)
    found: dict[int, Packet[Any]] = {}
    reader.seek(max(-reader.origin_s, Fraction(frames.start * AAC_FRAME_SAMPLES, rate_hz) - COPY_PREROLL_S))
    for packet in packets_of(reader.container, reader.stream):
        if packet.pts is None or packet.size == 0:
            continue
        sample = (packet.pts * tick_s - reader.origin_s) * rate_hz - start
        number = round(sample / AAC_FRAME_SAMPLES)
        if number >= frames.end:
            break
        if number >= frames.start:
            found.setdefault(number, packet)
    if not found:
        raise MediaProblem("damaged", f"no sound packets for AAC frames {frames.start} to {frames.end}")
    filler = found[min(found)]
    packets: list[Packet[Any]] = []
    for number in range(frames.start, frames.end):
        filler = found.get(number, filler)
        packets.append(filler)
    return packets


def _mux(plan: Plan, span: Span, packets: Sequence[Packet[Any]], template: Any) -> boxes.Fragments:
    audio = plan["audio"]
    file = BytesIO()
    with av.open(file, "w", format="mp4", options=MUXER_OPTIONS) as muxer:
        if template is None:
            stream: Any = muxer.add_stream("aac", rate=audio["sample_rate_hz"], options=ENCODER_OPTIONS)
            stream.layout, stream.bit_rate = layout_name(audio["channels"]), audio["bitrate_kbps"] * 1000
        else:
            stream = muxer.add_stream_from_template(template)
        for number, packet in zip(range(span.start, span.end), packets, strict=True):
            own = Packet(bytes(packet))
            own.stream, own.time_base = stream, Fraction(1, audio["sample_rate_hz"])
            own.pts = own.dts = number * AAC_FRAME_SAMPLES + audio["start_samples"]
            own.duration = AAC_FRAME_SAMPLES
            own.is_keyframe = True
            muxer.mux_one(own)
    init, segments = boxes.split(file.getvalue())
    expected = span.start * AAC_FRAME_SAMPLES + audio["start_samples"]
    if len(segments) != 1 or boxes.decode_time(segments[0]) != expected:
        raise MediaProblem("internal", f"sound of frames {span.start} to {span.end} is not one fragment")
    return boxes.Fragments(init, segments)
