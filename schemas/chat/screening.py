"""A room's screening rules: what its texts are searched for, and what follows. Data, in versions.

`ScreeningChanged.rules` holds a document of this shape as JSON; version 0 is DEFAULT_RULES, which no event
holds. The gateway applies all of it but `repeats` and `flood` (`streams.core.screening`) and attaches what
it found; those two need memory and are the decider's. Terms are literal words, never patterns: no document
can make a search slow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

Action: TypeAlias = Literal["hold", "reject"]
ACTIONS: Final[tuple[Action, ...]] = ("hold", "reject")  # the stricter one last
Feature: TypeAlias = Literal["caps", "emoji", "emotes_only", "length", "links", "mentions", "run"]
MOST_TERMS: Final = 2000
MOST_DOMAINS: Final = 500
MOST_BYTES: Final = 256 * 1024  # of a document as JSON
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")


def _domain(said: str) -> str:
    """In lower case, as DNS has it (`xn--...`). Raises ValueError."""
    try:
        name = said.strip().casefold().encode("idna").decode()
    except UnicodeError:
        name = ""
    if not _DOMAIN.fullmatch(name):
        raise ValueError("a domain is expected, like example.org, without https:// and path")
    return name


Domain: TypeAlias = Annotated[str, AfterValidator(_domain)]

FULL: Final[Mapping[Feature, float]] = {
    "caps": 1,  # share of capitals among the letters, 0-1; 0 below 8 letters
    "emoji": 1,  # share of emoji and emotes in all that is visible, 0-1; 0 below 4 of them
    "emotes_only": 1,  # 1: nothing but emoji and emotes
    "length": 500,  # characters
    "links": 2,
    "mentions": 5,
    "run": 12,  # the same character in a row
}
"""Every feature of a text, its unit, and the value from which on it counts in full for the spam score. Only
what the text itself shows: what needs memory is the decider's, `repeats` and a room's `hold_first_messages`.
"""
_OF_BEFORE: Final = ("first_message", "repeats")  # features that nothing ever measured


def _measured(by_feature: Any) -> Any:
    """Documents of before may name others: they stay readable, and mean what they did."""
    if not isinstance(by_feature, dict):
        return by_feature
    return {feature: each for feature, each in by_feature.items() if feature not in _OF_BEFORE}


class _Part(BaseModel):
    """An unknown field is an error, so that a typo is not silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Term(_Part):
    """A word or phrase nobody may write, in any spelling that reads like it."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    action: Action = "hold"
    whole_word: bool = Field(default=True, description="false: also inside of longer words")

    @field_validator("text")
    @classmethod
    def _has_a_letter(cls, text: str) -> str:
        if not any(character.isalnum() for character in text):
            raise ValueError("a term needs a letter or a digit, others are not looked at")
        return text


class LinkRules(_Part):
    """Which links may stand in a message. A domain means its subdomains, too."""

    policy: Literal["none", "listed", "all"] = Field(
        default="all", description="all: every link but to `denied`; listed: only to `allowed`; none: no link"
    )
    allowed: list[Domain] = Field(default_factory=list, max_length=MOST_DOMAINS)
    denied: list[Domain] = Field(default_factory=list, max_length=MOST_DOMAINS)
    action: Action = "hold"


class Check(_Part):
    """One feature of a text beyond a bound."""

    at: float = Field(gt=0, le=1000, description="of the feature's unit; this much or more is found")
    action: Action = "hold"


class ScoreRules(_Part):
    """The spam score: the sum of weight x min(feature / FULL[feature], 1), at least 0 and at most 1."""

    weights: Annotated[dict[Feature, Annotated[float, Field(ge=-1, le=1)]], BeforeValidator(_measured)]
    hold_at: float | None = Field(default=None, gt=0, le=1, description="null: never held for its score")
    reject_at: float | None = Field(default=None, gt=0, le=1, description="null: never rejected for it")


class RepeatRules(_Part):
    """The same text from the same author, seen by its keyed hash."""

    most: int = Field(ge=1, le=20, description="of the same text within the time; one more is found")
    within_s: int = Field(ge=1, le=3600)
    action: Action = "reject"


class FloodRules(_Part):
    """Too many messages of one author: those above the number are refused."""

    most: int = Field(ge=1, le=100, description="messages within the time")
    within_s: int = Field(ge=1, le=60)


class ScreeningRules(_Part):
    """The whole document. What is left out is switched off."""

    terms: list[Term] = Field(default_factory=list, max_length=MOST_TERMS)
    links: LinkRules = Field(default_factory=LinkRules)
    checks: Annotated[dict[Feature, Check], BeforeValidator(_measured)] = Field(default_factory=dict)
    score: ScoreRules | None = None
    repeats: RepeatRules | None = None
    flood: FloodRules | None = None


class RulesUnfit(ValueError):
    """Screening rules that cannot be taken: the sentence names every place and what is wrong there."""


def rules_from(document: str | bytes) -> ScreeningRules:
    """Rules of a JSON text. Raises RulesUnfit."""
    if len(document.encode() if isinstance(document, str) else document) > MOST_BYTES:
        raise RulesUnfit(f"Screening rules are at most {MOST_BYTES // 1024} KiB: use fewer or shorter terms.")
    try:
        return ScreeningRules.model_validate_json(document)
    except ValidationError as failed:
        found = [
            f"{'.'.join(map(str, error['loc'])) or 'the document'}: {error['msg']}"
            for error in failed.errors(include_url=False, include_context=False, include_input=False)[:5]
        ]
        raise RulesUnfit("Screening rules do not fit: " + "; ".join(found)) from failed


def rules_text(rules: ScreeningRules) -> str:
    """JSON for an event. Raises RulesUnfit where it is too long."""
    text = rules.model_dump_json()
    if len(text.encode()) > MOST_BYTES:
        raise RulesUnfit(f"Screening rules are at most {MOST_BYTES // 1024} KiB: use fewer or shorter terms.")
    return text


DEFAULT_RULES: Final = ScreeningRules(
    checks={"run": Check(at=40), "mentions": Check(at=8)},
    score=ScoreRules(
        weights={
            "caps": 0.2, "emoji": 0.15, "emotes_only": -0.15, "length": 0.05, "links": 0.35,
            "mentions": 0.25, "run": 0.2,
        },
        hold_at=0.5,
    ),
    repeats=RepeatRules(most=2, within_s=60),
    flood=FloodRules(most=8, within_s=10),
)  # fmt: skip
"""Of a new room: no words, every link, and to a moderator what looks like spam."""
DEFAULT_RULES_TEXT: Final = rules_text(DEFAULT_RULES)
