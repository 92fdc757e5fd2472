"""StoryboardRequested -> StoryboardMade: sheets from key frames of the lowest rung, and a poster if
the first chunk showed nothing that could be one."""

from __future__ import annotations

from schemas.media import objects as keys
from schemas.media.plan import Plan
from schemas.media.storyboard import layout_of, poster_rendition
from streams.core.objects import NoSuchObject
from streams.engine import Event, Out, Work
from streams.media.source import Part
from streams.media.work.progress import Progress
from streams.media.work.protecting import key_of
from streams.media.work.running import report
from streams.media.work.source import StoredSource
from streams.media.work.tools import Objects, Tools


async def make_storyboard(event: Event, work: Work, progress: Progress) -> list[Out]:
    """Make sheets, and a poster if there is none, of a film whose segments are all there.

    Twice gives the same bytes.
    """
    tools: Tools = work.resources
    asset_id, plan = event.data["asset_id"], event.data["plan"]
    profile_hash, priority = plan["profile_hash"], event.data["priority"]
    layout = layout_of(plan)
    progress(0)
    lowest, rung = plan["renditions"][0], poster_rendition(plan)
    with await _joined(tools.objects, asset_id, plan, lowest["name"], layout.segments) as pictures:
        key = await key_of(asset_id, plan, lowest["name"], tools, progress)
        sheets, best = await tools.encoders.sheets(plan, pictures, priority=priority, key=key)
    progress(50)
    poster_key = keys.poster_key(asset_id, profile_hash)
    if not await _is_there(tools.objects, poster_key):
        with await _joined(tools.objects, asset_id, plan, rung["name"], (best,)) as picture:
            key = await key_of(asset_id, plan, rung["name"], tools, progress)
            poster = await tools.encoders.poster(picture, priority=priority, key=key)
        await tools.objects.put(poster_key, poster, keys.PICTURE_TYPE)
    for number, sheet in enumerate(sheets):
        await tools.objects.put(keys.sheet_key(asset_id, profile_hash, number), sheet, keys.PICTURE_TYPE)
    made = report(
        event,
        "StoryboardMade",
        profile_hash=profile_hash,
        sheet_count=layout.sheet_count,
        columns=layout.columns,
        rows=layout.rows,
        tile_width=layout.tile_width,
        tile_height=layout.tile_height,
        tile_count=layout.tile_count,
        interval_ms=max(1, round(layout.interval_s * 1000)),
        poster_width=rung["width"],
        poster_height=rung["height"],
    )
    return [made]


async def _is_there(objects: Objects, key: str) -> bool:
    try:
        await objects.get(key, 0, 1)
    except NoSuchObject:
        return False
    return True


async def _joined(
    objects: Objects, asset_id: str, plan: Plan, rendition: str, numbers: tuple[int, ...]
) -> StoredSource:
    """Init segment and these segments as one file. Raises NoSuchObject if one is not there."""
    profile_hash = plan["profile_hash"]
    prefix = keys.rendition_prefix(asset_id, profile_hash, rendition)
    sizes = {entry.key: entry.size async for entry in objects.list(prefix)}
    wanted = [keys.init_key(asset_id, profile_hash, rendition)]
    wanted += [keys.segment_key(asset_id, profile_hash, rendition, number) for number in numbers]
    missing = [key for key in wanted if key not in sizes]
    if missing:
        raise NoSuchObject(f"{len(missing)} of {len(wanted)} objects are missing, the first is {missing[0]}")
    name = f"{prefix}{numbers[0]}-{numbers[-1]}/{len(numbers)}"
    return StoredSource(name, [Part(key, sizes[key]) for key in wanted], objects)
