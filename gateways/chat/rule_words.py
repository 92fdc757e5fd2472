"""Rules as moderators read them: decisions name them as the log does (`terms.0`, `score:caps`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.chat.screening import ScreeningRules

TERM: Final = "terms."
_WORDS: Final[Mapping[str, str]] = {
    "links.denied": "a link to a site that is denied",
    "links.policy": "a link that the room does not take",
    "repeats": "the same text again",
    "first_messages": "its author's first messages here",
    "reports": "reports",
}


def in_words(rule: str, version: int, rules: ScreeningRules | None) -> str:
    """`rules` are those of the `version` that decided; None: they are not stored any more."""
    if rule.startswith(TERM):
        number = rule.removeprefix(TERM)
        if rules is not None and number.isdecimal() and int(number) < len(rules.terms):
            return f"the term “{rules.terms[int(number)].text}”"
        return f"a term of rules version {version}"
    kind, _, more = rule.partition(":")
    if kind == "score":
        return f"the spam score ({more.replace(',', ', ')})" if more else "the spam score"
    kind, _, more = rule.partition(".")
    if kind == "checks":
        return f"the check of {more.replace('_', ' ')}"
    return _WORDS.get(rule, rule.replace("_", " "))
