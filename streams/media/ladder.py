"""The ladder of renditions for a picture size. Pure.

A rung is a 16:9 box laid along the picture's long side: 1920x800 and 1080x1920 both make a 1080p rung.
No rung is larger than the source in either direction; a source within five per cent of a box counts as
that rung at its own size. Sizes are even, because 4:2:0 colour has no half samples.
"""

from __future__ import annotations

from fractions import Fraction

from schemas.media.plan import Rendition

RUNGS: tuple[tuple[str, int, int], ...] = (
    # name, short side of the box, ceiling in kilobits per second at up to 30 frames per second
    ("360p", 360, 700),
    ("480p", 480, 1200),
    ("720p", 720, 2500),
    ("1080p", 1080, 5000),
    ("1440p", 1440, 9000),
    ("2160p", 2160, 16000),
)
SOURCE_RUNG = "source"
NEAR_ENOUGH = Fraction(95, 100)
FAST_FPS = 31
FAST_FACTOR = Fraction(14, 10)
SANEST_SAR = Fraction(8)
SMALLEST_PX = 2


def display_size(width: int, height: int, sar: Fraction, rotation_deg: int) -> tuple[int, int]:
    """Size as shown: square pixels (the width takes the pixel aspect), then turned upright.

    A pixel aspect beyond 8:1 either way is nonsense from a broken header and counts as 1:1.
    """
    if not 1 / SANEST_SAR <= sar <= SANEST_SAR:
        sar = Fraction(1)
    shown = (max(SMALLEST_PX, round(width * sar)), height)
    return (shown[1], shown[0]) if rotation_deg % 180 else shown


def ladder_for(width: int, height: int, fps: Fraction) -> list[Rendition]:
    """Rungs for a picture of this size as shown, lowest first; at least one."""
    long_side, short_side = max(width, height), min(width, height)
    rungs: list[Rendition] = []
    for name, box_short, kbps in RUNGS:
        box_long = Fraction(box_short * 16, 9)
        scale = min(box_long / long_side, Fraction(box_short, short_side))
        if scale * NEAR_ENOUGH > 1:
            continue
        rungs.append(_rung(name, width, height, min(scale, Fraction(1)), _rate(kbps, fps)))
    if not rungs:
        share = Fraction(width * height, 640 * 360)
        kbps = max(100, round(RUNGS[0][2] * min(share, Fraction(1))))
        rungs.append(_rung(SOURCE_RUNG, width, height, Fraction(1), _rate(kbps, fps)))
    return rungs


def _rung(name: str, width: int, height: int, scale: Fraction, kbps: int) -> Rendition:
    return {
        "name": name,
        "width": _even(width * scale, width),
        "height": _even(height * scale, height),
        "max_kbps": kbps,
    }


def _even(size: Fraction, most: int) -> int:
    """The nearest even size that does not exceed the source's."""
    even = 2 * round(size / 2)
    return max(SMALLEST_PX, even if even <= most else even - 2)


def _rate(kbps: int, fps: Fraction) -> int:
    return round(kbps * FAST_FACTOR) if fps >= FAST_FPS else kbps
