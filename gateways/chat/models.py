"""What the chat service says and hears over HTTP, as pydantic models: the API's contract."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from gateways.chat.reactions import REACTIONS
from gateways.chat.said import MOST_CLIENT_ID, MOST_MEDIA_MS
from schemas.chat.views import MOST_TEXT_CHARS
from streams.core.screening.clean import MessageUnfit, clean_message


def _seen(text: str) -> str:
    """As it is shown. Raises ValueError for what nobody can read, or what turns other texts around."""
    try:
        return clean_message(text) if text else text
    except MessageUnfit as unfit:
        raise ValueError("a text of at most 5 lines without control characters is expected") from unfit


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("printable characters are expected")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_seen)
]
Topic = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_seen)]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,60}$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
ClientId = Annotated[
    str, StringConstraints(min_length=1, max_length=MOST_CLIENT_ID), AfterValidator(_printable)
]
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


class RoomsQuery(Strict):
    """A page of the rooms."""

    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=200)


class RoomPage(BaseModel):
    """Rooms, the newest first."""

    items: list[Room]
    next_cursor: str | None


class Person(BaseModel):
    """How chat calls somebody."""

    id: str
    name: str | None = Field(description="the display name; null: they chose none")
    badge: str | None = Field(description="owner, moderator or null")


class Message(BaseModel):
    """A message as it reads now."""

    id: int | None = Field(description="its place in the room's order; null: it has none (yet)")
    message_id: str
    author: Person
    text: str
    mentions: list[str]
    reply_to: str | None
    media_ms: int | None
    sent_at_ms: int
    edits: int = Field(description="how many other texts it has had")
    edited_at_ms: int | None = Field(default=None, description="when it got its newest text; null: never")
    reactions: dict[str, int]


class MessagesQuery(Strict):
    """A page of a room's messages."""

    before: int | None = Field(default=None, ge=0, le=2**53, description="those before this id, the newest")
    after: int | None = Field(default=None, ge=0, le=2**53, description="those after this id, the oldest")
    limit: int = Field(default=50, ge=1, le=200)
    q: str | None = Field(
        default=None, min_length=1, max_length=100, description="words that are all in them"
    )


class MessagePage(BaseModel):
    """Messages in the room's order, the oldest first."""

    items: list[Message]
    before: int | None = Field(description="older ones go on before this id; null: there are none")
    after: int | None = Field(description="newer ones go on after this id; null: there are none, or unknown")


class ReplayQuery(Strict):
    """A stretch of the film, milliseconds from its begin; `to_ms` is not part of it."""

    from_ms: int = Field(ge=0, le=7 * 86_400_000)
    to_ms: int = Field(ge=1, le=7 * 86_400_000 + 1)
    limit: int = Field(default=500, ge=1, le=1000)


class ReplayPage(BaseModel):
    """What was said then, by media time."""

    items: list[Message]
    next_from_ms: int | None = Field(description="ask again from here; null: this is all")


class Messages(BaseModel):
    """Some messages."""

    items: list[Message]


class WaitingMessage(BaseModel):
    """A message of the caller, or another text of one, that waits for a moderator."""

    message: Message
    edit: bool = Field(description="it is another text; the room still shows the one before")
    held_at_ms: int


class Waiting(BaseModel):
    """What waits, the oldest first."""

    items: list[WaitingMessage]


class NewText(Strict):
    """Another text of a message."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4 * MOST_TEXT_CHARS)]
    mentions: list[AccountId] = Field(default_factory=list, max_length=20)


class Blocks(BaseModel):
    """Whom somebody wants to read nothing of."""

    account_ids: list[str]


class Reaction(Strict):
    """One reaction, to a message or to the room at this moment."""

    reaction: str = Field(json_schema_extra={"enum": list(REACTIONS)})
    message_id: AccountId | None = None

    @field_validator("reaction")
    @classmethod
    def _known(cls, reaction: str) -> str:
        if reaction not in REACTIONS:
            raise ValueError(f"one of {' '.join(REACTIONS)} is expected")
        return reaction


class Report(Strict):
    """Why a message should be looked at."""

    reason: ReasonCode = ""


class NewMessage(Strict):
    """A message; the same `client_id` again is the same message."""

    client_id: ClientId
    text: Annotated[str, StringConstraints(min_length=1, max_length=4 * MOST_TEXT_CHARS)]
    reply_to: AccountId | None = Field(default=None, description="id of the message that it answers")
    media_ms: int | None = Field(
        default=None, ge=0, le=MOST_MEDIA_MS, description="where in the film its author is"
    )
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
    duration_s: int | None = Field(
        default=None, ge=1, le=31_536_000, description="null: until it is lifted; a timeout needs one"
    )
    with_device: bool = False
    with_network: bool = False
    reason: ReasonCode = ""

    @model_validator(mode="after")
    def _ends(self) -> Sanction:
        if self.kind == "timeout" and self.duration_s is None:
            raise ValueError("duration_s: a timeout needs one; a ban lasts until it is lifted")
        return self


class Done(BaseModel):
    """It is decided, and the room shows it."""

    id: str
