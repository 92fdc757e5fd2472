"""HDR to SDR as a lookup table, since this build of FFmpeg has no filter that does it well.

The table takes PQ or HLG signals of BT.2020 to BT.709: to light, each colour's brightest component through
an extended Reinhard curve that leaves shadows alone and brings 1000 nits to white (203 nits, HDR's paper
white, lands at three quarters of the signal), to the smaller gamut, and back to a signal. Scaling all
components alike keeps hues. FFmpeg reads it as a Hald picture, so no file is needed.
"""

from __future__ import annotations

import struct
from functools import cache
from math import exp
from typing import Final

from av.video.frame import VideoFrame

LEVEL: Final = 5  # a table of 25 x 25 x 25, interpolated
STEPS: Final = LEVEL**2
SIDE_PX: Final = LEVEL**3
PAPER_WHITE_NITS: Final = 203.0
PEAK_NITS: Final = 1000.0
DISPLAY_GAMMA: Final = 2.4
HLG_GAMMA: Final = 1.2
TO_BT709: Final = (
    (1.6605, -0.5876, -0.0728),
    (-0.1246, 1.1329, -0.0083),
    (-0.0182, -0.1006, 1.1187),
)
Colour = tuple[float, float, float]


@cache
def hald_picture(transfer: str) -> VideoFrame:
    """The table for `pq` or `hlg` as a picture, red fastest. Takes some 100 ms, once a process."""
    light = [
        _pq_nits(i / (STEPS - 1)) if transfer == "pq" else _hlg_scene(i / (STEPS - 1)) for i in range(STEPS)
    ]
    data = bytearray()
    for blue in light:
        for green in light:
            for red in light:
                nits = (red, green, blue) if transfer == "pq" else _hlg_nits((red, green, blue))
                data += struct.pack("<3H", *(round(65535 * part) for part in _sdr_signal(nits)))
    picture = VideoFrame(SIDE_PX, SIDE_PX, "rgb48le")
    plane = picture.planes[0]
    row = SIDE_PX * 6
    plane.update(
        b"".join(bytes(data[y * row : (y + 1) * row]).ljust(plane.line_size, b"\0") for y in range(SIDE_PX))
    )
    return picture


def _sdr_signal(nits: Colour) -> Colour:
    brightest = max(nits) / PAPER_WHITE_NITS
    scale = _curve(brightest) / brightest / PAPER_WHITE_NITS if brightest > 0 else 0.0
    red, green, blue = (part * scale for part in nits)
    linear = [r * red + g * green + b * blue for r, g, b in TO_BT709]
    a, b, c = (min(1.0, max(0.0, part)) ** (1 / DISPLAY_GAMMA) for part in linear)
    return a, b, c


def _curve(light: float) -> float:
    """Extended Reinhard: 1 at the peak, the identity near 0."""
    peak = PEAK_NITS / PAPER_WHITE_NITS
    return min(1.0, light * (1 + light / peak**2) / (1 + light))


def _pq_nits(signal: float) -> float:
    """SMPTE ST 2084: signal 0-1 to nits."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = signal ** (1 / m2)
    light = max(0.0, power - c1) / (c2 - c3 * power)
    return float(10_000 * light ** (1 / m1))


def _hlg_scene(signal: float) -> float:
    """BT.2100 HLG: signal 0-1 to scene light 0-1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    if signal <= 0.5:
        return signal * signal / 3
    return (exp((signal - c) / a) + b) / 12


def _hlg_nits(scene: Colour) -> Colour:
    luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2]
    gain = PEAK_NITS * float(luminance ** (HLG_GAMMA - 1)) if luminance > 0 else 0.0
    return scene[0] * gain, scene[1] * gain, scene[2] * gain
