"""The chat domain's projections: what projectors write and gateways read, and the domain's ids.

In Redis, under `schemas.keys.tag(<projection>, version, partition)`; the hash `{tag}:state` maps a room id to
its document as JSON.

`chat.rooms` (RoomDocument) has beside that:

    {tag}:recent             sorted set, room id by created_at_ms, one a partition: the listing, newest first
    {tag}:room:<room_id>     stream of the newest deltas, at most STREAM_LENGTH: entry id `<delta id>-0`, one
                             field `d`, the Delta as JSON. Deltas that hold a removed message's text are
                             deleted from it; the tombstone (kind `removed` or `purged`) stays. Of the
                             reactions to one message, or to the room, the newest delta alone stays.
                             The same name is the sharded channel on which each Delta is published as JSON,
                             in the call that adds it to the stream.
    {tag}:members:<room_id>  hash, account id -> MemberView as JSON

`chat.desk` (DeskDocument), for moderators, has:

    {tag}:desk:<room_id>       sharded channel: DeskDelta as JSON. There is no stream: who misses one (`prev`)
                               reads the document again.
    {tag}:sanctions:<room_id>  hash, account id -> SanctionView as JSON; those whose `until_ms` has passed do
                               nothing any more
    {tag}:screening:<room_id>  hash, version -> screening rules (schemas.chat.screening) as JSON text; the
                               newest KEPT_RULES versions

A delta's id is its event's offset in chat.room.events, so it grows within a room; `prev` is the id of the
room's delta before it, -1 for none. A room whose topic is re-partitioned begins a new epoch: see `epoch`.

`chat.accounts` (BlocksDocument) maps an account id to whom its owner blocked; there is none of an empty list.

In ClickHouse, `chat_messages` (`schemas.chat.history`) keeps one row for each message that an event touches,
and for each sanction.

Texts in fields named `*_sealed` are base64 of what `streams.core.sealing` made of them under their author's
key as TEXT_FIELD; of an erased author nothing can be opened, and the message is left out. A room's own
(`title_sealed`, `topic_sealed`) are sealed as `schemas.chat.titles` says.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, Literal, NotRequired, TypedDict

from schemas.chat.events import MessageCopy, RoomSettings

ROOMS: Final = "chat.rooms"  # reads chat.room.events, by room id
DESK: Final = "chat.desk"  # reads chat.room.events, by room id
ACCOUNTS: Final = "chat.accounts"  # reads chat.account.events, by account id
MESSAGES: Final = "chat_messages"  # ClickHouse table, reads chat.room.events
EVENTS: Final = "chat.room.events"
REQUESTS: Final = "chat.room.requests"
BLOCK_EVENTS: Final = "chat.account.events"
BLOCK_REQUESTS: Final = "chat.account.requests"
RECENT: Final = "recent"  # suffix of the listing's sorted set

TEXT_FIELD: Final = "chat.text"  # field name that texts are sealed under
ADMINISTRATOR: Final = "administrator"  # actor_id of who holds the administrator's key
NO_DELTA: Final = -1

MOST_TEXT_CHARS: Final = 500
MOST_TEXT_BYTES: Final = 2048  # UTF-8
STREAM_LENGTH: Final = 1000  # deltas of one room in Redis
MOST_RECENT: Final = 1000  # messages of one room that can be edited, and that a purge finds in the stream
MOST_HELD: Final = 200  # messages of one room that wait for a moderator; more are refused
MOST_REPORTED: Final = 200  # reported messages of one room; the oldest are forgotten
MOST_REPORTERS: Final = 20  # of one message
MOST_PINNED: Final = 5
MOST_EDITS: Final = 20  # other texts of one message
MOST_MODERATORS: Final = 100
MOST_MEMBERS: Final = 10_000  # members and followers of one room
MOST_SANCTIONS: Final = 2_000  # of one room; the oldest are lifted
MOST_REACTIONS: Final = 32  # different ones of one room
MOST_REACTED: Final = 100  # messages of one room of which the newest totals alone are kept in the stream
MOST_BLOCKED: Final = 500  # accounts that one account blocks
KEPT_RULES: Final = 20  # versions of screening rules that can be read again

SanctionKind = Literal["timeout", "ban", "shadow"]
MemberKind = Literal["follower", "member"]


class PinnedView(TypedDict):
    """A message that stands above the others."""

    message: MessageCopy
    actor_id: str
    pinned_at_ms: int
    delta: int  # id of the delta that said so


class RoomDocument(TypedDict):
    """One room as its visitors see it."""

    room_id: str
    asset_id: str | None
    owner_id: str | None  # None: the administrator's
    settings: RoomSettings
    moderators: list[str]  # account ids
    pinned: list[PinnedView]  # at most MOST_PINNED, the newest last
    reactions: dict[str, int]  # of the room itself, by reaction, since its begin
    rules_version: int  # of the screening rules that apply now; 0: those that every room begins with
    member_count: int
    follower_count: int
    message_count: int  # accepted since its begin; removed ones are counted, too
    created_at_ms: int
    updated_at_ms: int  # of the last event
    last: int  # id of the newest delta, NO_DELTA for none
    # For the projector alone: which deltas of the stream hold what.
    entries: dict[str, list[int]]  # message_id -> deltas that hold its text; the newest MOST_RECENT messages
    reacted: dict[str, int]  # message_id ("" for the room) -> delta with its newest totals; MOST_REACTED


class MemberView(TypedDict):
    """A member or follower of a room."""

    kind: MemberKind
    joined_at_ms: int


class Delta(TypedDict):
    """What changed in a room. Which fields it has depends on `kind`, as said beside them."""

    id: int
    prev: int
    at_ms: int
    kind: Literal[
        "message", "edited", "removed", "purged", "pinned", "unpinned", "reactions", "room", "moderators",
        "membership", "sanction", "lifted", "screening", "declined",
    ]  # fmt: skip
    only: NotRequired[str]  # account_id: for nobody else (its shadowed and declined messages, its sanctions)
    message_id: NotRequired[str]  # message, edited, unpinned, reactions (there: None for the room)
    account_id: NotRequired[str]  # message, edited, purged
    account_ids: NotRequired[list[str]]  # membership: whom it is about; followers come and go without one
    added: NotRequired[bool]  # membership
    text_sealed: NotRequired[str]  # message, edited
    mentions: NotRequired[list[str]]  # message, edited
    reply_to: NotRequired[str | None]  # message
    media_ms: NotRequired[int | None]  # message
    sent_at_ms: NotRequired[int]  # message
    edit_number: NotRequired[int]  # edited
    # removed, declined, purged (there: those still remembered; all are meant)
    message_ids: NotRequired[list[str]]
    by: NotRequired[str]  # removed: author, moderator or reports
    message: NotRequired[MessageCopy]  # pinned
    reactions: NotRequired[dict[str, int]]  # reactions: how often each was given since the last delta ...
    totals: NotRequired[dict[str, int]]  # ... and ever
    settings: NotRequired[RoomSettings]  # room: as a whole
    moderators: NotRequired[list[str]]  # moderators: all of them
    sanction: NotRequired[str]  # sanction, lifted: timeout or ban
    until_ms: NotRequired[int | None]  # sanction
    reason: NotRequired[str]  # sanction: a short code, or nothing
    rules_version: NotRequired[int]  # screening


class HeldView(TypedDict):
    """A message, or its other text, that waits for a moderator."""

    message: MessageCopy
    edit: bool
    rule: str
    score: float | None
    rules_version: int
    held_at_ms: int


class ReportView(TypedDict):
    """A reported message that is still in the room."""

    message: MessageCopy
    reasons: dict[str, int]  # reason -> how many gave it
    reporters: int
    reported_at_ms: int  # for the first time


class DeskDocument(TypedDict):
    """What waits for a room's moderators."""

    held: dict[str, HeldView]  # by message_id, at most MOST_HELD, the oldest first
    reports: dict[str, ReportView]  # by message_id, at most MOST_REPORTED, the oldest first
    last: int  # id of the newest DeskDelta


class BlocksDocument(TypedDict):
    """Whom somebody wants to read nothing of."""

    blocked_ids: list[str]  # accounts, at most MOST_BLOCKED


class DeskDelta(TypedDict):
    """What changed on a moderators' desk."""

    id: int
    prev: int
    at_ms: int
    kind: Literal["held", "decided", "rejected", "reported", "sanction", "lifted", "screening"]
    message_ids: NotRequired[list[str]]  # decided: these are off the desk; rejected: one that a rule refused
    held: NotRequired[HeldView]
    report: NotRequired[ReportView]
    account_id: NotRequired[str]  # sanction, lifted, rejected
    sanction: NotRequired[SanctionView | None]  # None: lifted
    rule: NotRequired[str]  # rejected
    rules_version: NotRequired[int]  # rejected, screening


class SanctionView(TypedDict):
    """Why an account may not write."""

    kind: SanctionKind
    until_ms: int | None  # None: until it is lifted
    with_device: bool
    with_network: bool
    actor_id: str
    reason: str
    at_ms: int


_ROOM: Final = re.compile(r"a-[a-z0-9-]{1,64}|r-[0-9a-f]{32}")


def room_id_of_asset(asset_id: str) -> str:
    """The room of an asset."""
    return f"a-{asset_id}"


def asset_of_room(room_id: str) -> str | None:
    """The asset that a room is beside; None of others."""
    return room_id[2:] if room_id.startswith("a-") else None


def is_room_id(text: str) -> bool:
    """Whether a room can have this id."""
    return _ROOM.fullmatch(text) is not None


def message_id_of(room_id: str, account_id: str, client_message_id: str) -> str:
    """The id of a message: its author alone can form it, and sent again it is the same message."""
    return hashlib.sha256(f"{room_id}\0{account_id}\0{client_message_id}".encode()).hexdigest()[:32]


def stream_suffix(room_id: str) -> str:
    """Of a room's stream and channel in `chat.rooms`."""
    return f"room:{room_id}"


def members_suffix(room_id: str) -> str:
    """Of a room's members in `chat.rooms`."""
    return f"members:{room_id}"


def desk_suffix(room_id: str) -> str:
    """Of a room's moderators' channel in `chat.desk`."""
    return f"desk:{room_id}"


def sanctions_suffix(room_id: str) -> str:
    """Of a room's sanctions in `chat.desk`."""
    return f"sanctions:{room_id}"


def screening_suffix(room_id: str) -> str:
    """Of a room's screening rules in `chat.desk`."""
    return f"screening:{room_id}"


def epoch(version: int, partitions: int) -> str:
    """What a delta's id is valid in: the version of `chat.rooms` and its topic's partition count."""
    return f"{version}-{partitions}"
