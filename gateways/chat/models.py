"""What the chat service says and hears over HTTP, as pydantic models: the API's contract."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.chat.views import MOST_TEXT_CHARS

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Topic = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
ReasonCode = Annotated[str, StringConstraints(pattern=r"[a-z0-9_-]{0,60}")]
AccountId = Annotated[str, StringConstraints(pattern=r"[0-9a-f]{32}")]
Access = Literal["public", "members"]
Mode = Literal["open", "followers", "members", "emotes"]


class Strict(BaseModel):
    """Input: an unknown field is an error, so that a typo is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class NewRoom(Strict):
    """A free room, which belongs to whom opens it."""

    title: Line
    topic: Topic = ""
    access: Access = "public"
    mode: Mode = "open"


class RoomChange(Strict):
    """What is to be different; what is left out stays."""

    title: Line | None = None
    topic: Topic | None = None
    access: Access | None = None
    mode: Mode | None = None
    read_only: bool | None = Field(default=None, description="moderators alone may write")
    archived: bool | None = Field(default=None, description="nobody may write any more")
    slow_mode_s: int | None = Field(default=None, ge=0, le=3600)
    followers_min_s: int | None = Field(default=None, ge=0, le=31_536_000)
    hold_first_messages: int | None = Field(default=None, ge=0, le=10)
    report_threshold: int | None = Field(default=None, ge=0, le=20)
    report_action: Literal["flag", "hold"] | None = None


class Settings(BaseModel):
    """A room's settings."""

    title: str
    topic: str
    access: str
    mode: str
    read_only: bool
    archived: bool
    slow_mode_s: int
    followers_min_s: int
    hold_first_messages: int
    report_threshold: int
    report_action: str


class Room(BaseModel):
    """One room."""

    id: str
    asset_id: str | None
    settings: Settings
    moderators: list[str]
    member_count: int
    follower_count: int
    message_count: int = Field(description="accepted since its begin, removed ones included")
    reactions: dict[str, int]
    rules_version: int
    created_at_ms: int
    updated_at_ms: int
    may_moderate: bool


class NewMessage(Strict):
    """A message; the same `client_id` again is the same message."""

    client_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=4 * MOST_TEXT_CHARS)]
    reply_to: AccountId | None = Field(default=None, description="id of the message that it answers")
    media_ms: int | None = Field(default=None, ge=0, description="where in the film its author is")
    mentions: list[AccountId] = Field(default_factory=list, max_length=20)


class MessageSent(BaseModel):
    """What became of a message."""

    message_id: str
    id: int | None = Field(description="its place in the room's order, where it is known by now")
    state: Literal["accepted", "held"]


class Sanction(Strict):
    """A timeout, a ban or a shadow ban; `lift` ends all of them."""

    account_id: AccountId
    kind: Literal["timeout", "ban", "shadow", "lift"]
    duration_s: int | None = Field(default=None, ge=1, le=31_536_000, description="null: until it is lifted")
    with_device: bool = False
    with_network: bool = False
    reason: ReasonCode = ""


class Done(BaseModel):
    """It is decided, and the room shows it."""

    id: str
