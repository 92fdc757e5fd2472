"""What moderators say and hear over HTTP, as pydantic models: the API's contract."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from gateways.chat.models import AccountId, Message, Person, ReasonCode, Strict
from schemas.chat.screening import ScreeningRules

MessageId = AccountId
MessageIds = Annotated[list[MessageId], Field(min_length=1, max_length=100)]
Verdict = Literal["hold", "reject", "accept"]


class Removal(Strict):
    """Messages that go."""

    message_ids: MessageIds
    reason: ReasonCode = ""


class Purge(Strict):
    """All that an account wrote in the room goes."""

    account_id: AccountId
    reason: ReasonCode = ""


class Decision(Strict):
    """On messages that wait: held ones come in or not, reported ones stay or go."""

    message_ids: MessageIds
    approved: bool


class Held(BaseModel):
    """A message, or its other text, that waits for a moderator."""

    message: Message
    edit: bool
    rule: str
    why: str = Field(description="the rule in words")
    score: float | None
    rules_version: int
    held_at_ms: int


class Reported(BaseModel):
    """A message that people reported and that is still in the room."""

    message: Message
    reasons: dict[str, int]
    reporters: int
    reported_at_ms: int


class Queue(BaseModel):
    """What waits for moderators, the oldest first. Of erased authors nothing is shown."""

    held: list[Held]
    reports: list[Reported]


class Sanctioned(BaseModel):
    """Why an account may not write."""

    account: Person
    kind: str
    until_ms: int | None
    with_device: bool
    with_network: bool
    actor_id: str
    reason: str
    at_ms: int


class Sanctions(BaseModel):
    """All that stand now, the newest first."""

    items: list[Sanctioned]


class Member(BaseModel):
    """A member or follower of a room."""

    account: Person
    kind: str
    joined_at_ms: int


class Members(BaseModel):
    """Members, then followers, the newest first."""

    items: list[Member]


class ScreeningQuery(Strict):
    """Which version of the rules; null: the one that applies."""

    version: int | None = Field(default=None, ge=0, lt=2**31)


class Screening(BaseModel):
    """A room's screening rules."""

    version: int
    newest: int
    rules: ScreeningRules


class ScreeningChange(Strict):
    """Other rules, made from those of version `based_on`."""

    rules: ScreeningRules
    based_on: int = Field(ge=0, lt=2**31)


class Trial(Strict):
    """Rules to be tried on what was sent in a time, the newest first."""

    rules: ScreeningRules
    from_ms: int = Field(default=0, ge=0, le=2**53)
    to_ms: int = Field(default=2**53, ge=0, le=2**53)
    most: int = Field(default=1000, ge=1, le=2000, description="messages that are looked at")


class Difference(BaseModel):
    """A message that the rules would have treated otherwise."""

    message: Message
    was: Verdict
    was_rule: str
    would: Verdict
    findings: list[dict[str, Any]]


class TrialResult(BaseModel):
    """What the rules would have done. `complete`: false if there was no time, or more than `most`."""

    looked_at: int
    same: int
    would_hold: int
    would_reject: int
    would_let_through: int
    by_memory: int = Field(description="left out: first messages, repeats and reports need the room's memory")
    unreadable: int = Field(description="left out: their authors are erased")
    complete: bool
    items: list[Difference]


class CardQuery(Strict):
    """A page of what an account wrote."""

    before: int | None = Field(default=None, ge=0, le=2**53)
    limit: int = Field(default=50, ge=1, le=200)


class Written(BaseModel):
    """A message and what became of it."""

    message: Message
    state: Literal["shown", "removed", "held", "rejected", "shadowed"]
    rule: str
    why: str = Field(description="the rule in words")
    reason: str


class Actor(BaseModel):
    """Who did something. The administrator's key has an id, and no name."""

    id: str
    name: str | None


class Act(BaseModel):
    """What was done to an account, or to what it wrote."""

    at_ms: int
    act: Literal["timeout", "ban", "shadow_ban", "lifted", "purged", "removed", "rejected"]
    by: Actor | None = Field(description="null: a rule did it, time did, or somebody who was erased since")
    reason: str = Field(description="as the moderator said; or the rule that rejected, in words; or empty")
    until_ms: int | None


class Card(BaseModel):
    """What moderators see of an account in their room."""

    account: Person
    moderator: bool
    member: Member | None
    sanction: Sanctioned | None
    reported: int = Field(description="reports of its messages, ever")
    history: list[Act] = Field(description="what was done to it here, the newest first, at most 50")
    messages: list[Written] = Field(description="the newest first")
    before: int | None
