"""A room's screening rules: versioned data that gateways screen texts by, and that the room's decider holds.

Rules of a text alone (`terms`, `links`, `caps`, `runs`, `score`) are applied by `streams.core.screening`,
which attaches what it found to the request. Rules that need a memory (`repeats`, `flood`) are applied by the
room's decider. Each says what is to be done: `allow` (nothing: the rule is off), `hold` (a moderator decides)
or `reject`. Version 0 of every room is DEFAULT_RULES; a change makes version n + 1.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal, TypedDict, cast

Action = Literal["allow", "hold", "reject"]
Policy = Literal["any", "listed", "none"]

MOST_TERMS: Final = 2000  # of all groups together
MOST_TERM_CHARS: Final = 80
MOST_HOSTS: Final = 200
MOST_RULES_BYTES: Final = 256 * 1024  # of the rules as JSON
MOST_COUNTED: Final = 10  # `most` of repeats and of flood: what a decider remembers of one account
MOST_WINDOW_S: Final = 600  # `within_s` of both

# What the spam score is made of; each is scaled to 0..1 by `streams.core.screening`.
FEATURES: Final = (
    "caps_share",  # of its letters, those in capitals
    "links",  # 0, 1/3, 2/3, 1 for none, one, two, more
    "mentions",  # of 10
    "digit_share",  # of its characters
    "symbol_share",  # of its characters, those that are neither letters, digits, emoji nor spaces
    "emoji_share",  # of its characters
    "longest_run",  # the same character in a row, of 20
    "repeated_words",  # of its words, those that stood in it before
    "invisible",  # characters without width or that turn the direction, of 5
    "confusable_share",  # of its letters, those that only look like Latin ones
    "length",  # of 500 characters
)


class Terms(TypedDict):
    """Words and phrases that are looked for in the normalised text."""

    words: list[str]
    action: Action


class Links(TypedDict):
    """Where links may lead to."""

    policy: Policy  # any; listed: to `hosts` and what is below them; none
    hosts: list[str]  # lower case
    action: Action  # with a link that the policy does not allow


class Caps(TypedDict):
    """Texts in capitals."""

    most_share: float  # of the letters, 0..1
    min_letters: int  # shorter texts may shout
    action: Action


class Runs(TypedDict):
    """The same character, or the same word, in a row."""

    most: int
    action: Action


class Repeats(TypedDict):
    """The same text by the same account."""

    most: int  # how often within the window, 1..MOST_COUNTED
    within_s: int
    action: Action


class Flood(TypedDict):
    """Many messages by the same account: one more is refused, and may be sent again later."""

    most: int  # within the window, 1..MOST_COUNTED
    within_s: int


class Score(TypedDict):
    """The spam score: a logistic function of bias + the sum of weight x feature, 0..1."""

    bias: float
    weights: dict[str, float]  # by feature; those left out weigh nothing
    hold_at: float  # from here on it is held; above 1: never
    reject_at: float  # from here on it is rejected; above 1: never


class ScreeningRules(TypedDict):
    """All of a version."""

    terms: list[Terms]
    links: Links
    caps: Caps
    runs: Runs
    repeats: Repeats
    flood: Flood
    score: Score


DEFAULT_RULES: Final[ScreeningRules] = {
    "terms": [],
    "links": {"policy": "any", "hosts": [], "action": "hold"},
    "caps": {"most_share": 0.8, "min_letters": 20, "action": "allow"},
    "runs": {"most": 20, "action": "allow"},
    "repeats": {"most": 3, "within_s": 30, "action": "reject"},
    "flood": {"most": 8, "within_s": 10},
    "score": {
        "bias": -5.0,
        "weights": {
            "caps_share": 1.5,
            "links": 3.0,
            "mentions": 2.0,
            "symbol_share": 2.0,
            "longest_run": 2.0,
            "repeated_words": 2.5,
            "invisible": 4.0,
            "confusable_share": 3.0,
        },
        "hold_at": 0.8,
        "reject_at": 0.98,
    },
}


class BadRules(ValueError):
    """These are no screening rules; the message says where and what was expected."""


def parse_rules(text: str) -> ScreeningRules:
    """Rules from their JSON text. Raises BadRules."""
    if len(text.encode()) > MOST_RULES_BYTES:
        raise BadRules(f"The rules have more than {MOST_RULES_BYTES} bytes: use fewer terms.")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRules(f"The rules are no JSON ({error}): send an object.") from None
    return check_rules(raw)


def check_rules(raw: Any) -> ScreeningRules:
    """The same rules, typed. Raises BadRules naming the first thing that is wrong."""
    _keys(raw, "rules", ScreeningRules)
    terms = _list(raw["terms"], "terms", 50)
    for n, group in enumerate(terms):
        _keys(group, f"terms[{n}]", Terms)
        _texts(group["words"], f"terms[{n}].words", MOST_TERMS, MOST_TERM_CHARS)
        _one_of(group["action"], f"terms[{n}].action", ACTIONS)
    if sum(len(group["words"]) for group in terms) > MOST_TERMS:
        raise BadRules(f"terms: expected at most {MOST_TERMS} words in all groups together.")
    for name, kind in _SECTIONS.items():
        _keys(raw[name], name, kind)
        if "action" in raw[name]:
            _one_of(raw[name]["action"], f"{name}.action", ACTIONS)
    _one_of(raw["links"]["policy"], "links.policy", ("any", "listed", "none"))
    _texts(raw["links"]["hosts"], "links.hosts", MOST_HOSTS, 253)
    _number(raw["caps"]["most_share"], "caps.most_share", 0, 1)
    _whole(raw["caps"]["min_letters"], "caps.min_letters", 0, 500)
    _whole(raw["runs"]["most"], "runs.most", 1, 500)
    for name in ("repeats", "flood"):
        _whole(raw[name]["most"], f"{name}.most", 1, MOST_COUNTED)
        _whole(raw[name]["within_s"], f"{name}.within_s", 1, MOST_WINDOW_S)
    _check_score(raw["score"])
    return cast("ScreeningRules", raw)


def _check_score(score: dict[str, Any]) -> None:
    _number(score["bias"], "score.bias", -20, 20)
    _number(score["hold_at"], "score.hold_at", 0, 2)
    _number(score["reject_at"], "score.reject_at", 0, 2)
    if not isinstance(score["weights"], dict):
        raise BadRules("score.weights: expected an object of feature to weight.")
    for feature, weight in score["weights"].items():
        _one_of(feature, "score.weights", FEATURES)
        _number(weight, f"score.weights.{feature}", -20, 20)


ACTIONS: Final = ("allow", "hold", "reject")
_SECTIONS: Final[dict[str, Any]] = {
    "links": Links,
    "caps": Caps,
    "runs": Runs,
    "repeats": Repeats,
    "flood": Flood,
    "score": Score,
}


def _keys(raw: Any, where: str, kind: Any) -> None:
    expected = kind.__annotations__.keys()
    if not isinstance(raw, dict) or raw.keys() != expected:
        raise BadRules(f"{where}: expected an object of exactly {', '.join(expected)}.")


def _list(raw: Any, where: str, most: int) -> list[Any]:
    if not isinstance(raw, list) or len(raw) > most:
        raise BadRules(f"{where}: expected a list of at most {most}.")
    return raw


def _texts(raw: Any, where: str, most: int, chars: int) -> None:
    for each in _list(raw, where, most):
        if not isinstance(each, str) or not 0 < len(each.strip()) <= chars:
            raise BadRules(f"{where}: expected texts of 1 to {chars} characters, found {each!r:.60}.")


def _one_of(raw: Any, where: str, allowed: tuple[str, ...]) -> None:
    if raw not in allowed:
        raise BadRules(f"{where}: expected one of {', '.join(allowed)}, found {raw!r:.60}.")


def _number(raw: Any, where: str, least: float, most: float) -> None:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not least <= raw <= most:
        raise BadRules(f"{where}: expected a number of {least} to {most}, found {raw!r:.60}.")


def _whole(raw: Any, where: str, least: int, most: int) -> None:
    if isinstance(raw, bool) or not isinstance(raw, int) or not least <= raw <= most:
        raise BadRules(f"{where}: expected a whole number of {least} to {most}, found {raw!r:.60}.")
