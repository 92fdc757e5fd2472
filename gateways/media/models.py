"""What the streaming service says and hears, as pydantic models: the API's contract."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateways.core.reasons import Reason
from schemas.drm.views import System
from schemas.media.protection import POLICY_PATTERN, Scheme
from schemas.media.visibility import Visibility

AssetState = Literal["uploading", "uploaded", "processing", "playable", "ready", "failed", "deleted"]


class Strict(BaseModel):
    """Input: an unknown field is an error, so that a typo is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class Rendition(BaseModel):
    """One rung of the ladder."""

    name: str
    width: int = Field(description="pixels")
    height: int = Field(description="pixels")
    bandwidth: int = Field(
        description="peak, bits per second; declared until the film is ready, then measured"
    )


class Progress(BaseModel):
    """How far encoding has got."""

    percent: int = Field(description="0 to 100")
    chunks_done: int
    chunks_total: int = Field(description="0 until the film is planned")


class Failure(BaseModel):
    """Why it failed."""

    code: str = Field(description="stable, for programs")
    sentence: str = Field(description="for people: what is wrong and what to do")


class Links(BaseModel):
    """Where everything of an asset is; null while it does not exist."""

    self: str
    events: str
    log: str
    hls: str | None
    dash: str | None
    hls_clearkey: str | None = Field(
        description="for players that know Clear Key only; null: it needs another system"
    )
    dash_clearkey: str | None
    poster: str | None
    storyboard: str | None
    watch: str


class ProtectionShown(BaseModel):
    """How a film is encrypted."""

    scheme: Scheme
    systems: list[str]
    policy: str = Field(description="the policy that licences are given by")
    version: int = Field(description="of its content keys")
    keys: dict[str, str] = Field(description="KID by label: audio, sd, hd, uhd; empty until it is planned")


class Protecting(BaseModel):
    """How a finished film is being encrypted."""

    scheme: Scheme
    systems: list[str]
    policy: str
    version: int = Field(description="of its content keys")
    percent: int = Field(description="0 to 100, of what is encoded again")


class Asset(BaseModel):
    """One film."""

    id: str
    title: str
    owner_id: str | None = Field(description="the account that owns it; null: the administrator")
    visibility: Visibility = Field(
        description="public: for everybody; unlisted: for who has its address; private: for its owner"
    )
    protection: ProtectionShown | None = Field(description="how it is encrypted; null: it is not")
    protecting: Protecting | None = Field(
        description="how it will be, once it is encoded again; until then it plays as it is"
    )
    protection_failure: Failure | None = Field(description="why it was not, the last time it was asked for")
    state: AssetState
    created_at_ms: int = Field(description="milliseconds since 1970")
    updated_at_ms: int = Field(description="milliseconds since 1970")
    duration_ms: int | None
    size_bytes: int | None
    width: int | None = Field(description="pixels as shown")
    height: int | None
    renditions: list[Rendition]
    progress: Progress
    failure: Failure | None
    links: Links


class AssetPage(BaseModel):
    """A page of the library, newest first."""

    items: list[Asset]
    next_cursor: str | None = Field(description="null on the last page")


class LogPosition(BaseModel):
    """Where an event stands on the log."""

    topic: str
    partition: int
    offset: int


class Accepted(BaseModel):
    """A request is on the log. `asset` is null when its outcome was not known in time: look again."""

    id: str
    state: AssetState
    request_id: str = Field(description="ce_id of the request; `wait_for` of a later read takes it")
    position: LogPosition | None = Field(description="null for a repeated request: it was on the log before")
    asset: Asset | None
    links: Links


class Work(BaseModel):
    """A piece of work that a worker has in hand."""

    work_id: str
    kind: str
    percent: int
    worker: str


class LiveProgress(BaseModel):
    """`event: progress` of an asset's events."""

    percent: int
    chunks_done: int
    chunks_total: int
    eta_s: int | None
    work: list[Work]


class LogEntry(BaseModel):
    """One event of the log."""

    id: str = Field(description="ce_id")
    type: str
    topic: str
    partition: int
    offset: int
    key: str
    at_ms: int
    source: str
    causation_id: str | None
    trace_id: str | None
    data: Any = Field(description="the decoded event")


class LogPage(BaseModel):
    """Events of one asset in causal order."""

    items: list[LogEntry]
    next_cursor: str | None = Field(description="give it as `after`; null when there is nothing more now")


class LogDetail(BaseModel):
    """One event with what led to it (nearest cause first) and what it led to."""

    entry: LogEntry
    causes: list[LogEntry]
    effects: list[LogEntry]


class AssetChange(Strict):
    """What shall be different; what is left out stays as it is."""

    title: str | None = Field(default=None, max_length=400, description="1 to 200 characters")
    visibility: Visibility | None = Field(default=None, description="who may see it from now on")
    reason: Reason


class ProtectionWanted(Strict):
    """How a finished film is to be encrypted."""

    scheme: Scheme
    systems: list[System] = Field(
        default_factory=list,
        max_length=8,
        description="clearkey, widevine, playready, fairplay (with cbcs); none named: clearkey",
    )
    policy: str | None = Field(default=None, pattern=f"^{POLICY_PATTERN}$", description="left out: default")
    reason: Reason


class AssetDeletion(Strict):
    """Of a deletion."""

    reason: Reason


class AssetQuery(Strict):
    """Of one asset."""

    wait_for: str | None = Field(
        default=None,
        max_length=64,
        description="ce_id of a request of yours: answer when its outcome is in (or after 2 s)",
    )


class AssetsQuery(Strict):
    """Of the library."""

    limit: int = Field(default=24, ge=1, le=100, description="items on a page")
    cursor: str | None = Field(default=None, max_length=512, description="`next_cursor` of the page before")
    q: str | None = Field(default=None, max_length=200, description="words of the title")
    visibility: Literal["public"] | None = Field(
        default=None, description="public: what everybody may see; left out: one's own, or all"
    )


class UploadQuery(Strict):
    """Of an upload with a raw body; a form carries the same as fields."""

    title: str | None = Field(default=None, max_length=400, description="1 to 200 characters")
    file_name: str | None = Field(default=None, max_length=400, description="name of the file")
    visibility: Visibility | None = Field(default=None, description="who may see it; private if left out")
    protection: Scheme | None = Field(
        default=None, description="encrypt it by this scheme of ISO/IEC 23001-7; in clear if left out"
    )
    systems: str | None = Field(
        default=None,
        max_length=100,
        description="who gives out its keys, comma-separated: clearkey (content encryption, no DRM), "
        "widevine, playready, fairplay (cbcs only); clearkey if left out",
    )
    policy: str | None = Field(
        default=None,
        pattern=f"^{POLICY_PATTERN}$",
        description="licences are given by it; `default` if left out",
    )


class LogQuery(Strict):
    """Of an asset's log."""

    after: str | None = Field(default=None, max_length=4096, description="`next_cursor` of the page before")
    limit: int = Field(default=200, ge=1, le=1000, description="items on a page")
