"""Where the thumbnail of a moment lies: sheets of tiles at a fixed interval. Pure.

Encoder, manifests and WebVTT compute the same layout from the plan alone. Every tile is the first picture
of a segment, so tiles lie a whole number of segments apart.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import NamedTuple

from schemas.media.grid import SEGMENT_S, nearest, plan_cuts
from schemas.media.plan import Plan, Rendition, fps_of

COLUMNS, ROWS = 5, 5
TILE_BOX_PX = 160
MOST_TILES = 200
POSTER_HEIGHT_PX = 720  # of the tallest rung that a poster is taken from


class Layout(NamedTuple):
    """Tiles of `tile_width` x `tile_height`, one every `interval_s`, `columns` x `rows` a sheet.

    `segments` holds, tile by tile, the number of the segment whose first picture it shows.
    """

    tile_width: int
    tile_height: int
    interval_s: Fraction
    columns: int
    rows: int
    segments: tuple[int, ...]

    @property
    def tile_count(self) -> int:
        return len(self.segments)

    @property
    def per_sheet(self) -> int:
        return self.columns * self.rows

    @property
    def sheet_count(self) -> int:
        return ceil(self.tile_count / self.per_sheet)

    def place(self, tile: int) -> tuple[int, int, int]:
        """(sheet, x, y) of a tile; x and y in pixels."""
        sheet, on_sheet = divmod(tile, self.per_sheet)
        row, column = divmod(on_sheet, self.columns)
        return sheet, column * self.tile_width, row * self.tile_height


def layout_of(plan: Plan) -> Layout:
    """One tile every two seconds, fewer in long films: at most MOST_TILES; one in films below that."""
    fps, cuts = fps_of(plan), plan_cuts(plan)
    step = max(1, nearest(SEGMENT_S * fps))
    every = ceil(Fraction(plan["frame_count"], step * MOST_TILES))
    number_of = {cut: number for number, cut in enumerate(cuts[:-1])}
    wanted = range(0, plan["frame_count"], step * every)
    lowest = plan["renditions"][0]
    scale = Fraction(TILE_BOX_PX, max(lowest["width"], lowest["height"]))
    return Layout(
        tile_width=max(2, 2 * nearest(lowest["width"] * scale / 2)),
        tile_height=max(2, 2 * nearest(lowest["height"] * scale / 2)),
        interval_s=step * every / fps,
        columns=COLUMNS,
        rows=ROWS,
        segments=tuple(number_of[frame] for frame in wanted if frame in number_of),
    )


def poster_rendition(plan: Plan) -> Rendition:
    """The rung that the poster is as large as: the tallest that is not too large for one."""
    fitting = [r for r in plan["renditions"] if min(r["width"], r["height"]) <= POSTER_HEIGHT_PX]
    return fitting[-1] if fitting else plan["renditions"][0]
