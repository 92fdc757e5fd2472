"""The poster, picked while the first chunk is encoded: a film shows a picture long before it is whole.

Many films begin in black or fade in, so the most detailed of several moments is taken; where none shows
anything, there is no poster yet, and the storyboard brings one of a later moment. Pictures come scaled from
the encoder's own graph: nothing is decoded for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from av.video.frame import VideoFrame

from schemas.media.grid import nearest
from schemas.media.plan import Plan, fps_of
from schemas.media.storyboard import layout_of, poster_rendition
from streams.media.storyboard import JPEG_FORMAT, detail, jpeg

LOOKS_A_SECOND: Final = 4
LEAST_DETAIL_BITS: Final = 3.0  # black and plain colours have less than 1, titles about 2, scenes 5 to 7.5
LIMITED, FULL = 1, 2


class PosterPicker:
    """Call it with the pictures of every slot, one a rung; `poster` is of the best moment so far."""

    def __init__(self, plan: Plan) -> None:
        layout = layout_of(plan)
        self._small = layout.tile_width, layout.tile_height
        self._rung = plan["renditions"].index(poster_rendition(plan))
        self._every = max(1, nearest(fps_of(plan) / LOOKS_A_SECOND))
        self._best: VideoFrame | None = None
        self._detail = LEAST_DETAIL_BITS

    def __call__(self, slot: int, pictures: Sequence[VideoFrame]) -> None:
        if slot % self._every:
            return
        score = round(detail(pictures[0].reformat(*self._small, JPEG_FORMAT)), 1)
        if score > self._detail:
            self._best, self._detail = pictures[self._rung], score

    def poster(self) -> bytes | None:
        """A JPEG as large as its rung; None when no picture shows anything."""
        if self._best is None:
            return None
        return jpeg(self._best.reformat(format=JPEG_FORMAT, src_color_range=LIMITED, dst_color_range=FULL))
