"""The x264 settings of the profile: what must be equal everywhere for equal bytes.

Seen: with two threads under a rate ceiling x264 gives other bytes from run to run, and its AVX-512 code
for mbtree reads memory it never wrote where a picture's width is no multiple of 128. So each encoder has
one thread (rungs and chunks run side by side instead) and machines with AVX-512 are held to AVX2, whose
results are those of every lesser level.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from schemas.media.plan import Rendition

THREADS = 1
PRESET = "veryfast"
CRF = 23


def encoder_options(rendition: Rendition) -> dict[str, str]:
    """Options of libx264 for a rung."""
    kbps = rendition["max_kbps"]
    return {
        "preset": PRESET,
        "crf": str(CRF),
        "maxrate": f"{kbps}k",
        "bufsize": f"{kbps}k",
        "g": "600",
        "keyint_min": "600",
        "sc_threshold": "0",
        "flags": "+cgop+bitexact",
        "x264-params": f"threads={THREADS}" + (":asm=AVX2" if has_avx512() else ""),
    }


@cache
def has_avx512() -> bool:
    """Does this processor have AVX-512? Asked once, before the process is confined."""
    try:
        return "avx512" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
