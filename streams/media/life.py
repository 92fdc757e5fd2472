"""What the asset's decider remembers between two events, and how long it waits for what it asked for.

The state stays small however long the film is: chunks are asked for in order, so the chunks that are done
are those below `next_chunk` that nobody is waiting for.
"""

from __future__ import annotations

from typing import Any, Final, TypedDict

from schemas.media.plan import Plan

WINDOW: Final = 16  # chunks of one asset asked for at once: no film takes the whole queue
MAX_FAILURES: Final = 4  # attempts of one piece of work that may fail before the asset does
UPLOAD_PATIENCE_MS: Final = 24 * 3600 * 1000  # an upload without an end is abandoned after this
SILENCE_MS: Final = 120_000  # unanswered work is asked for again after this, then after twice as long ...
CHUNK_SILENCE_MS: Final = 300_000  # of chunks, since any chunk of the film was heard of: they queue ...
CHUNK_PATIENCE: Final = 6  # ... but one that alone stays silent is asked for after so many times as long
MAX_SILENCE_MS: Final = 3600_000  # ... up to this: a backlog is not made worse by asking
RETRY_MS: Final = 5_000  # failed work is tried again after this, then after four times as long

PRIORITY_URGENT: Final = 0
PRIORITY_ORDINARY: Final = 5

UPLOAD: Final = "upload"
PROBE: Final = "probe"
STORYBOARD: Final = "storyboard"
ERASURE: Final = "erasure"
PROTECTION: Final = "protection"  # keys of a finished film, and the plan with them
SWEEP: Final = "sweep"  # a second erasure, for parts of an upload that went on after the deletion


class Waiting(TypedDict):
    """Something asked for and not yet answered."""

    due_at_ms: int  # when to ask again
    asked_at_ms: int  # when this attempt was asked for
    attempt: int  # how often it was asked for, from 1
    failures: int  # how many of these attempts were reported as failed
    failed: bool  # this attempt was: the next one comes at due_at_ms
    again: bool  # erasures only: objects may have come after it began, so it must run once more


class Measured(TypedDict):
    """One rendition so far."""

    codecs: str
    size_bytes: int
    peak_bps: int
    edges: dict[str, int]  # segment number -> bytes, of a few segments at the film's head and tail only


class State(TypedDict, total=False):
    """The decider's document for one asset. None: the asset was never heard of."""

    phase: str  # uploading, probing, processing, ready, protecting, failed, deleted
    owner_id: str  # absent: the administrator's, deleted, or of before owners were remembered here
    protection: dict[str, Any]  # Protection of the schemas, until the film is planned; absent: none
    source: dict[str, Any]  # Source of the schemas; until everything is made
    plan: Plan  # until everything is made; while protecting the one it plays by, until there is the new one
    next_chunk: int  # first chunk not yet asked for
    measured: dict[str, Measured]  # by rendition, while processing
    waiting: dict[str, Waiting]  # upload, probe, chunk:<index>, storyboard, protection, erasure, sweep
    poster: dict[str, int] | None  # Poster of the schemas, of the first chunk, while protecting
    profile_hash: str  # of the plan it plays by; absent: it was never protected once it was finished
    key_version: int  # the last version of keys that was begun; absent: as profile_hash
    retired: list[str]  # profile hashes whose objects are being erased; absent: none
    erasures: int  # erasures asked for in the asset's whole life: a late report must not answer a newer one
    timer_at_ms: int  # due time of the timer that runs; absent: none runs
    fired_at_ms: int  # due time of the latest reminder: the next timer is set later than that


def chunk_name(index: int) -> str:
    """Name of a chunk among what is waited for."""
    return f"chunk:{index}"


def chunk_of(name: str) -> int | None:
    """The chunk's index of such a name; None if it names something else."""
    kind, _, index = name.partition(":")
    return int(index) if kind == "chunk" else None


def work_id(asset_id: str, name: str, profile_hash: str = "") -> str:
    """Id of a piece of work: equal for every attempt, so that one encode lease guards them all."""
    return ":".join(part for part in (asset_id, profile_hash, name) if part)


def profile_of(work: str) -> str:
    """The profile hash in the id of a piece of work; empty where it holds none."""
    parts = work.split(":")
    return parts[1] if len(parts) > 2 else ""


def timer_id(asset_id: str) -> str:
    """The one timer of an asset."""
    return f"media.asset:{asset_id}"


def silence_ms(name: str, attempt: int) -> int:
    """How long to wait for an answer to this attempt (from 1) at what is named so."""
    first_ms = SILENCE_MS if chunk_of(name) is None else CHUNK_SILENCE_MS
    return min(first_ms << min(attempt - 1, 16), MAX_SILENCE_MS)


def still_due_ms(name: str, entry: Waiting, now_ms: int) -> int:
    """When to ask for a chunk again, now that another chunk of its film was heard of: workers are at it."""
    patience_ms = silence_ms(name, entry["attempt"])
    latest_ms = entry.get("asked_at_ms", now_ms) + CHUNK_PATIENCE * patience_ms
    return max(entry["due_at_ms"], min(now_ms + patience_ms, latest_ms))


def retry_ms(failures: int) -> int:
    """How long to wait before the next attempt when so many (from 1) have failed."""
    return min(RETRY_MS << 2 * min(failures - 1, 16), MAX_SILENCE_MS)
