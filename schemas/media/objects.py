"""Keys of objects in the store: what workers write and gateways serve. Pure.

    uploads/<asset_id>/<part>                                     the source, parts from 0, never joined
    assets/<asset_id>/<profile_hash>/<rendition>/init.mp4
    assets/<asset_id>/<profile_hash>/<rendition>/<segment>.m4s    segments from 0
    assets/<asset_id>/<profile_hash>/chunks/<chunk>.json          written last: the chunk is whole
    assets/<asset_id>/<profile_hash>/poster.jpg
    assets/<asset_id>/<profile_hash>/storyboard/<sheet>.jpg       sheets from 0

All of an asset lies below two prefixes of its own: two uploads of one file share nothing, so erasing one
leaves the other whole.
"""

from __future__ import annotations

from typing import Final

SEGMENT_TYPE: Final = "video/iso.segment"
INIT_TYPE: Final = "video/mp4"
PICTURE_TYPE: Final = "image/jpeg"
SUMMARY_TYPE: Final = "application/json"


def upload_prefix(asset_id: str) -> str:
    return f"uploads/{asset_id}/"


def asset_prefix(asset_id: str) -> str:
    return f"assets/{asset_id}/"


def profile_prefix(asset_id: str, profile_hash: str) -> str:
    """All that was made by one plan."""
    return f"{asset_prefix(asset_id)}{profile_hash}/"


def part_key(asset_id: str, part: int) -> str:
    return f"{upload_prefix(asset_id)}{part}"


def rendition_prefix(asset_id: str, profile_hash: str, rendition: str) -> str:
    return f"{profile_prefix(asset_id, profile_hash)}{rendition}/"


def init_key(asset_id: str, profile_hash: str, rendition: str) -> str:
    return f"{rendition_prefix(asset_id, profile_hash, rendition)}init.mp4"


def segment_key(asset_id: str, profile_hash: str, rendition: str, number: int) -> str:
    return f"{rendition_prefix(asset_id, profile_hash, rendition)}{number}.m4s"


def summary_key(asset_id: str, profile_hash: str, chunk_index: int) -> str:
    return f"{profile_prefix(asset_id, profile_hash)}chunks/{chunk_index}.json"


def poster_key(asset_id: str, profile_hash: str) -> str:
    return f"{profile_prefix(asset_id, profile_hash)}poster.jpg"


def sheet_key(asset_id: str, profile_hash: str, sheet: int) -> str:
    return f"{profile_prefix(asset_id, profile_hash)}storyboard/{sheet}.jpg"
