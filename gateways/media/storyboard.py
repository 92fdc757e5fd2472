"""The storyboard as WebVTT: which part of which sheet shows which stretch of the film."""

from __future__ import annotations

from schemas.media.views import StoryboardView


def web_vtt(storyboard: StoryboardView, duration_ms: int, sheet_url: str) -> str:
    """WebVTT with one cue a tile; `sheet_url` holds `{n}` for the sheet's number, from 0."""
    per_sheet = storyboard["columns"] * storyboard["rows"]
    lines = ["WEBVTT", ""]
    for tile in range(storyboard["tile_count"]):
        start_ms = tile * storyboard["interval_ms"]
        last = tile == storyboard["tile_count"] - 1
        end_ms = max(duration_ms, start_ms + 1) if last else start_ms + storyboard["interval_ms"]
        row, column = divmod(tile % per_sheet, storyboard["columns"])
        width, height = storyboard["tile_width"], storyboard["tile_height"]
        area = f"xywh={column * width},{row * height},{width},{height}"
        lines += [
            f"{_clock(start_ms)} --> {_clock(end_ms)}",
            f"{sheet_url.format(n=tile // per_sheet)}#{area}",
            "",
        ]
    return "\n".join(lines)


def _clock(at_ms: int) -> str:
    seconds, ms = divmod(at_ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"
