"""What players send and get, as documents."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from gateways.analytics.beats import FASTEST, LONGEST_TEXT, MOST, SLOWEST

State = Literal[
    "starting", "playing", "seeking", "rebuffering", "paused", "waiting", "ended", "failed", "preloading",
    "other",
]  # fmt: skip
Kind = Literal["start", "first_frame", "state", "interval", "bitrate", "seek", "error", "end", "other"]


class BeatSent(BaseModel):
    """What a player does from this moment on. Numbers out of their range are brought into it."""

    sn: int = Field(ge=0, le=MOST, description="number of the beat in its session: 0, 1, 2, …")
    ts_ms: float = Field(
        description="the player's clock, milliseconds since 1970. It may be wrong: only differences count"
    )
    kind: Kind = Field(default="other", description="why the player speaks")
    state: State = Field(description="what it does from now on, as `sta` of CTA-5004-B")
    playhead_ms: float | None = Field(default=None, ge=0, description="where in the film")
    rate: float = Field(default=1.0, ge=SLOWEST, le=FASTEST, description="playback rate")
    rendition: str = Field(default="", max_length=LONGEST_TEXT, description="name of what plays")
    bitrate_kbps: float | None = Field(default=None, ge=0)
    stalled_total_ms: float | None = Field(default=None, ge=0, description="in this session until now")
    stalls_total: int | None = Field(default=None, ge=0, description="in this session until now")
    dropped_frames_total: int | None = Field(default=None, ge=0, description="in this session until now")
    error: str = Field(default="", max_length=LONGEST_TEXT, description="a code; fatal with state `failed`")


class Report(BaseModel):
    """Beats of one playback session. Sent again, they change nothing."""

    sid: str = Field(
        min_length=1, max_length=LONGEST_TEXT,
        description="the session's id, chosen by the player at random; never on the log as it is",
    )  # fmt: skip
    asset: str = Field(min_length=1, max_length=LONGEST_TEXT, description="id of the film")
    viewer: str = Field(
        default="",
        max_length=LONGEST_TEXT,
        description="what the client calls itself, by which viewers are counted; not on the log as it is. "
        "Who is signed in needs none, and with DNT or Sec-GPC it is not used",
    )
    player: str = Field(default="", max_length=LONGEST_TEXT, description="name and version")
    referrer: str = Field(
        default="", description="address where the visitor came from; only its host is kept"
    )
    beats: list[BeatSent] = Field(min_length=1)


class RefusedBeat(BaseModel):
    """Something that was not taken."""

    report: int = Field(description="which report of the request, counted from 0; of CMCD which line")
    index: int | None = Field(description="which beat of the report; null: the whole of it")
    code: str


class Taken(BaseModel):
    """What became of a request's beats. Those refused will be refused again."""

    accepted: int = Field(description="beats that are on the log")
    refused: list[RefusedBeat] = Field(description="at most 100 of those that are not")
