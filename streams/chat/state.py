"""What a room's decider remembers between two events, and how much of it at most. Pure.

Everything that grows with what people do has a bound: of what is beyond it the oldest is forgotten, or the
request is refused. What forgetting means stands beside each. The state of a busy room is about 200 KiB, of
one with every bound reached about 3 MiB.
"""

from __future__ import annotations

from typing import Any, Final, TypedDict

from schemas.chat.events import MessageCopy, RoomSettings

MOST_SPEAKERS: Final = 1000  # accounts whose pace and device are known; an older one may write sooner
MOST_SENT: Final = 20  # of what each of them wrote lately; more where the room's rules count further
MOST_GREETED: Final = 5000  # accounts past their first messages; an older one's are held again
MOST_GONE: Final = 1000  # removed messages that cannot come back by a request that was under way


class Recent(TypedDict, total=False):
    """A message that can be edited, removed by its author and found by a purge; the newest MOST_RECENT."""

    account_id: str
    shadow: bool  # its author alone sees it
    edits: int  # other texts it has had
    reactions: dict[str, int]  # ever given to it


class Held(TypedDict):
    """A message, or its other text, that waits for a moderator."""

    message: MessageCopy
    edit: bool
    rule: str
    rules_version: int
    held_at_ms: int


class Reported(TypedDict):
    """A message that people reported."""

    account_id: str  # its author
    reporters: list[str]
    settled: bool  # a moderator has looked at it: more reports change nothing


class Sanction(TypedDict):
    """Why an account may not write; hashes also meet other accounts."""

    kind: str
    until_ms: int | None
    device: str | None
    network: str | None


class Speaker(TypedDict):
    """What is remembered of an account that wrote."""

    sent: list[list[Any]]  # [at_ms, text hash] of what may count against the next; "" but of new messages
    last_ms: int | None  # when its newest message was sent
    device: str | None  # keyed hashes of where it last wrote from
    network: str | None


class Limits(TypedDict):
    """The part of a room's screening rules that a memory is needed for, and their version."""

    version: int
    repeats: dict[str, Any] | None
    flood: dict[str, Any] | None


class State(TypedDict, total=False):
    """The decider's document of one room. None: the room was never heard of."""

    owner_id: str | None
    settings: RoomSettings
    limits: Limits
    moderators: list[str]
    members: dict[str, int]  # account -> joined_at_ms
    followers: dict[str, int]  # account -> joined_at_ms; who is a member is no follower
    sanctions: dict[str, Sanction]  # by account, the oldest first
    recent: dict[str, Recent]  # by message_id; what was touched last stands last
    held: dict[str, Held]  # by message_id
    reports: dict[str, Reported]  # by message_id
    pinned: list[str]  # message_ids
    gone: dict[str, None]  # message_ids
    reactions: dict[str, int]  # ever given to the room
    speakers: dict[str, Speaker]  # by account; who wrote last stands last
    greeted: dict[str, int]  # account -> accepted messages, while first messages are held
