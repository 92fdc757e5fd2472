"""The media domain's projections: the documents that projectors write and gateways read.

Both are kept in Redis under `schemas.keys.tag(<projection>, version, partition)`: the hash `{tag}:state` maps
an asset id to its document as JSON. Names that only `library` has:

    {tag}:recent    sorted set, asset id by created_at_ms, one a partition: the listing, newest first.
                    Deleted assets are not in it.
    {tag}:recent:public            the same, of public assets only
    {tag}:recent:owner:<owner_id>  the same, of one owner's assets only

The history of every topic is in ClickHouse: see `schemas.history`.
"""

from __future__ import annotations

from typing import Final, Literal, NotRequired, TypedDict

from schemas.media.plan import Plan
from schemas.media.protection import ProtectionView
from schemas.media.visibility import PUBLIC, Visibility, owner_of, visibility_of

LIBRARY: Final = "media.library"  # reads media.asset.events
PROGRESS: Final = "media.progress"  # reads media.work.events
RECENT: Final = "recent"  # suffix of the listing's sorted set
RECENT_PUBLIC: Final = "recent:public"

AssetState = Literal["uploading", "uploaded", "processing", "playable", "ready", "failed", "deleted"]


class RenditionView(TypedDict):
    """A rung, or the sound (width and height 0). Rates are declared until they are measured."""

    name: str
    width: int  # pixels
    height: int  # pixels
    bandwidth: int  # peak, bits per second; declared as 1.5 times the encoder's ceiling until measured
    average_bandwidth: int | None  # bits per second; None until measured
    codecs: str | None  # RFC 6381; None until the first chunk is there


class ProgressView(TypedDict):
    """How far encoding has got."""

    percent: int  # 0-100, of chunks
    chunks_done: int
    chunks_total: int  # 0 until the plan is there
    eta_s: int | None  # seconds until ready at the pace so far, as of updated_at_ms; None if not known


class FailureView(TypedDict):
    """Why the asset failed."""

    code: str
    sentence: str


class SourceView(TypedDict):
    """What the probe found."""

    container: str
    video_codec: str
    audio_codec: str | None
    width: int
    height: int
    duration_ms: int


class PosterView(TypedDict):
    """The poster made with the first chunk; in pixels."""

    width: int
    height: int


class StoryboardView(TypedDict):
    """Poster and sheets; the fields of StoryboardAdded."""

    sheet_count: int
    columns: int
    rows: int
    tile_width: int
    tile_height: int
    tile_count: int
    interval_ms: int
    poster_width: int
    poster_height: int


class ProtectingView(TypedDict):
    """How a finished film is being encrypted, and how far that has got."""

    scheme: str
    systems: list[str]
    policy_id: str
    version: int  # of its content keys
    chunks_done: int
    chunks_total: int


class AssetDocument(TypedDict):
    """One asset as the library shows it. Fields a state does not know yet are None or empty."""

    id: str
    title: str  # in clear, of films from before titles were sealed; else empty
    title_sealed: str | None  # as `schemas.media.titles` tells; documents of earlier versions do not say
    file_name: str  # empty since titles are sealed
    state: AssetState
    created_at_ms: int
    updated_at_ms: int
    ready_at_ms: int | None
    size_bytes: int | None  # as declared by the client until the upload is whole
    source_hash: str | None  # SHA-256 of the content, hexadecimal
    duration_ms: int | None
    width: int | None  # as shown, after rotation
    height: int | None
    source: SourceView | None
    plan: Plan | None
    planned_at_ms: int | None
    renditions: list[RenditionView]  # the ladder, lowest first
    audio: RenditionView | None  # None: silent, or not planned yet
    progress: ProgressView
    done: list[list[int]]  # chunks encoded, as ordered ranges [first, end)
    poster: PosterView | None  # None too for a film that begins in black: then it comes with the storyboard
    storyboard: StoryboardView | None
    failure: FailureView | None
    owner_id: str | None  # None: the administrator; documents of earlier versions do not say
    visibility: Visibility  # documents of earlier versions do not say: `schemas.media.visibility` reads both
    protection: ProtectionView | None  # as `schemas.media.protection` reads it
    protecting: NotRequired[ProtectingView | None]  # being made anew; it plays by `plan` until then
    protection_failure: NotRequired[FailureView | None]  # why the last time it was not


class Tombstone(TypedDict):
    """What stays of a deleted asset, for ever: workers and gateways must know that it was there."""

    id: str
    state: Literal["deleted"]
    created_at_ms: int
    updated_at_ms: int
    erased: bool  # True when no object of it is left
    owner_id: str | None  # as of the asset: who may know that it was there
    visibility: Visibility


class WorkView(TypedDict):
    """A piece of work that some worker has in hand."""

    work_id: str
    kind: str  # probe, chunk, storyboard, protection, erasure
    chunk_index: int | None
    percent: int  # 0-100
    worker: str
    attempt: int
    leased_at_ms: int
    updated_at_ms: int  # a worker that died leaves its entry: distrust those older than a minute


class ProgressDocument(TypedDict):
    """What is being worked on for one asset; at most WORK_SHOWN entries, oldest first."""

    work: list[WorkView]
    updated_at_ms: int


WORK_SHOWN: Final = 32


def recent_of(owner_id: str) -> str:
    """Suffix of the listing of one owner's assets."""
    return f"recent:owner:{owner_id}"


def listings(document: AssetDocument | Tombstone) -> list[str]:
    """Suffixes of the listings that an asset stands in while it is not deleted."""
    owner_id = owner_of(document)
    own = [recent_of(owner_id)] if owner_id is not None else []
    return [RECENT, *own, *([RECENT_PUBLIC] if visibility_of(document) == PUBLIC else [])]


def has_poster(document: AssetDocument) -> bool:
    """Whether poster.jpg is there. Documents of earlier versions have it with the storyboard only."""
    return document.get("poster") is not None or document["storyboard"] is not None
