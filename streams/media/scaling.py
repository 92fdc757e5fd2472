"""The filter graph from one decoded picture to every rung: turn upright, fix levels, scale.

Output is always 8-bit 4:2:0 of limited range; the colour matrix of the source is kept and declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from schemas.media.plan import Rendition
from streams.media.tonemap import SIDE_PX, hald_picture

OUTPUT_FORMAT = "yuv420p"
HD_HEIGHT = 720
BT709, BT470BG, SMPTE170M = 1, 5, 6
FULL_RANGE = 2
LARGER = 1.49  # even sizes: 854 is a hair more than two thirds of 1280
MATRIX_NAMES = {
    BT709: "bt709",
    BT470BG: "bt601",
    SMPTE170M: "bt601",
    9: "bt2020",
    10: "bt2020",
    7: "smpte240m",
}
TURNS = {0: (), 90: ("transpose=clock",), 180: ("hflip", "vflip"), 270: ("transpose=cclock",)}


class Colour(NamedTuple):
    """Colour tags by their numbers in H.273."""

    primaries: int
    transfer: int
    matrix: int


def colour_of(width: int, height: int, primaries: int, transfer: int, matrix: int) -> Colour:
    """The tags to declare: a known matrix is kept; else HD is BT.709 and SD is BT.601, as players guess."""
    if matrix in (BT709, BT470BG, SMPTE170M):
        usual = matrix
        return Colour(
            primaries if primaries in (BT709, BT470BG, SMPTE170M) else usual,
            transfer if transfer in (BT709, SMPTE170M, 13) else BT709 if usual == BT709 else SMPTE170M,
            matrix,
        )
    usual = BT709 if min(width, height) >= HD_HEIGHT or matrix in (9, 10) else SMPTE170M
    return Colour(usual, usual, usual)


class Scaler:
    """Scales pictures to several sizes at once; rebuilds itself when the pictures change their shape."""

    def __init__(
        self,
        renditions: Sequence[Rendition],
        rotation_deg: int,
        colour: Colour,
        full_range: bool,
        transfer: str = "sdr",
    ) -> None:
        self._renditions = renditions
        self._rotation_deg = rotation_deg
        self._colour = colour
        self._full_range = full_range
        self._transfer = transfer
        self._shape: tuple[object, ...] = ()
        self._graph: Graph | None = None  # kept: a collected graph takes its filters along and crashes
        self._source: FilterContext | None = None
        self._sinks: list[FilterContext] = []
        self._table: FilterContext | None = None

    def scale(self, picture: VideoFrame) -> list[VideoFrame]:
        """One picture a rendition, in their order."""
        shape = (picture.width, picture.height, picture.format.name, picture.colorspace, picture.color_range)
        if shape != self._shape:
            self._build(picture)
            self._shape = shape
        if self._source is None:
            raise RuntimeError("the filter graph was not built")
        self._source.push(picture)
        return [_video(sink.pull()) for sink in self._sinks]

    def _build(self, picture: VideoFrame) -> None:
        graph = Graph()
        graph.threads = 1
        self._source = node = graph.add_buffer(
            width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base
        )
        for turn in TURNS[self._rotation_deg]:
            name, _, args = turn.partition("=")
            node = _link(node, graph.add(name, args or None))
        if self._transfer != "sdr":
            node = self._tone_mapped(graph, node, picture)
        sinks: dict[int, FilterContext] = {}
        self._grow(graph, node, None, parents_of(self._renditions), sinks, picture)
        self._sinks = [sinks[i] for i in range(len(self._renditions))]
        graph.configure()
        if self._table is not None:
            self._table.push(hald_picture(self._transfer))
            self._table.push(None)
        self._graph = graph

    def _grow(
        self,
        graph: Graph,
        node: FilterContext,
        parent: int | None,
        parents: list[int | None],
        sinks: dict[int, FilterContext],
        picture: VideoFrame,
    ) -> None:
        """Hang every rung that is scaled from `parent` (None: the source) below `node`, and theirs below."""
        children = [i for i, of in enumerate(parents) if of == parent]
        branches = _link(node, graph.add("split", str(len(children) + (parent is not None))))
        for output, i in enumerate(children):
            arguments = self._scale_arguments(self._renditions[i], picture if parent is None else None)
            scale = graph.add("scale", arguments)
            branches.link_to(scale, output)
            self._grow(graph, _link(scale, graph.add("format", OUTPUT_FORMAT)), i, parents, sinks, picture)
        if parent is not None:
            sinks[parent] = graph.add("buffersink")
            branches.link_to(sinks[parent], len(children))

    def _tone_mapped(self, graph: Graph, node: FilterContext, picture: VideoFrame) -> FilterContext:
        """To the largest rung's size as RGB, through the table of `tonemap`."""
        largest = self._renditions[-1]
        source_range = "full" if self._full_range or picture.color_range == FULL_RANGE else "limited"
        size = f"{largest['width']}:{largest['height']}:flags=bilinear"
        scale = graph.add("scale", f"{size}:in_range={source_range}:in_color_matrix=bt2020")
        deep = _link(_link(node, scale), graph.add("format", "gbrp10le"))
        self._table = graph.add_buffer(
            width=SIDE_PX,
            height=SIDE_PX,
            format=VideoFormat("rgb48le"),
            time_base=picture.time_base,
            name="table",
        )
        mapped = graph.add("haldclut", "clut=first")
        deep.link_to(mapped, 0, 0)
        self._table.link_to(mapped, 0, 1)
        return mapped

    def _scale_arguments(self, rendition: Rendition, picture: VideoFrame | None) -> str:
        """For a rung out of the source's picture, or out of a larger rung (None), whose levels are right."""
        size = f"{rendition['width']}:{rendition['height']}:flags=bilinear"
        if picture is None:
            return size
        if self._transfer != "sdr":
            return f"{size}:out_range=limited:out_color_matrix=bt709"
        full = self._full_range or picture.color_range == FULL_RANGE
        source_matrix = MATRIX_NAMES.get(picture.colorspace, MATRIX_NAMES[self._colour.matrix])
        return (
            f"{size}:in_range={'full' if full else 'limited'}:out_range=limited"
            f":in_color_matrix={source_matrix}:out_color_matrix={MATRIX_NAMES[self._colour.matrix]}"
        )


def parents_of(renditions: Sequence[Rendition]) -> list[int | None]:
    """Which larger rung each rung is scaled from; None is the source.

    The smallest one that is at least half as large again: a fraction of the work, and no loss that shows.
    """
    parents: list[int | None] = []
    for i, rung in enumerate(renditions):
        larger = (
            j
            for j in range(i + 1, len(renditions))
            if renditions[j]["width"] >= LARGER * rung["width"]
            and renditions[j]["height"] >= LARGER * rung["height"]
        )
        parents.append(next(larger, None))
    return parents


def _link(node: FilterContext, following: FilterContext) -> FilterContext:
    node.link_to(following)
    return following


def _video(frame: object) -> VideoFrame:
    if not isinstance(frame, VideoFrame):
        raise TypeError(f"the graph gave {type(frame).__name__}, expected a picture")
    return frame
