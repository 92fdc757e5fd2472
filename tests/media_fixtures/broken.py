"""Files that no film comes out of, each with the reason code that it must end in."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.media_fixtures.numbered import AUDIO_RATE, beeps, make_clip, picture

Maker = Callable[[Path], bytes]


def a_text(_: Path) -> bytes:
    return b"This is a letter, not a film.\n" * 500


def a_playlist(_: Path) -> bytes:
    """An HLS playlist under a film's name: it would have the server fetch what it names."""
    return b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:1/secret.ts\n#EXT-X-ENDLIST\n"


def a_concat_script(_: Path) -> bytes:
    return b"ffconcat version 1.0\nfile '/etc/passwd'\n"


def cut_in_half(folder: Path) -> bytes:
    """An MP4 whose second half never arrived; its index lies at the end, as cameras write it."""
    whole = make_clip(folder / "whole.mp4").path.read_bytes()
    return whole[: len(whole) // 2]


def index_without_pictures(folder: Path) -> bytes:
    """A Matroska film of which the head says more than is there."""
    whole = make_clip(folder / "whole.mkv", audio=False).path.read_bytes()
    return whole[: len(whole) // 3]


def sound_alone(folder: Path) -> bytes:
    path = folder / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("aac", rate=AUDIO_RATE, layout="stereo")
        frame = av.AudioFrame.from_ndarray(beeps(2.0, 2), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = AUDIO_RATE, 0
        out.mux([*stream.encode(frame), *stream.encode(None)])
    return path.read_bytes()


def noise_for_pictures(folder: Path) -> bytes:
    """An MP4 whose structure is whole and whose pictures are random bytes."""
    whole = bytearray(make_clip(folder / "noise.mp4", audio=False).path.read_bytes())
    start = whole.index(b"mdat") + 4
    end = whole.index(b"moov") - 4
    whole[start:end] = np.random.default_rng(7).bytes(end - start)
    return bytes(whole)


def pixel_bomb(folder: Path) -> bytes:
    """A few kilobytes of AVI whose decoder would make room for pictures of 16000 x 16000."""
    path = folder / "bomb.avi"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("huffyuv", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv422p"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(1, 64, 64), format="rgb24")))
        out.mux(stream.encode(None))
    whole = path.read_bytes()
    honest, lying = (size.to_bytes(4, "little") * 2 for size in (64, 16_000))
    at = whole.index(b"strf") + 12  # after the chunk's size and the size of its BITMAPINFOHEADER
    if whole[at : at + 8] != honest:
        raise AssertionError("the size of the pictures is not where AVI has it")
    return whole[:at] + lying + whole[at + 8 :]


def hours_out_of_nothing(folder: Path) -> bytes:
    """Three pictures that claim to fill ten hours."""
    path = folder / "hours.mkv"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(picture(number, 320, 180), format="rgb24")
            frame.pts, frame.time_base = number * 18_000_000, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


BROKEN: dict[str, tuple[Maker, str]] = {
    "a text": (a_text, "not_video"),
    "a playlist": (a_playlist, "playlist"),
    "a concat script": (a_concat_script, "playlist"),
    "cut in half": (cut_in_half, "truncated"),
    "the head of a film": (index_without_pictures, "truncated"),
    "sound alone": (sound_alone, "no_video"),
    "noise for pictures": (noise_for_pictures, "damaged"),
    "a pixel bomb": (pixel_bomb, "too_large_picture"),
    "hours out of nothing": (hours_out_of_nothing, "lying_duration"),
}
