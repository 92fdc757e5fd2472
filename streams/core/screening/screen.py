"""`screen`: what a room's rules find in a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from schemas.chat.events import Finding
from schemas.chat.screening import ACTIONS, Action, Feature, ScreeningRules, rules_from
from streams.core.screening.features import measured
from streams.core.screening.links import broken, hosts
from streams.core.screening.normalise import normalise, readings
from streams.core.screening.score import contributions, score
from streams.core.screening.words import TermFinder

_MOST_FINDINGS: Final = 16  # that an event holds
_LONGEST_RULE: Final = 40  # characters of a rule's name there
_NAMED_FEATURES: Final = 3  # of a score, in the name of its rule
_KEPT_RULES: Final = 128  # compiled documents; one of 2,000 terms takes about 1 MB


class Compiled:
    """A room's rules, ready to be applied; holds nothing of any text."""

    def __init__(self, rules: ScreeningRules) -> None:
        self.rules = rules
        self.terms = TermFinder(rules.terms)
        self.allowed, self.denied = frozenset(rules.links.allowed), frozenset(rules.links.denied)


@lru_cache(_KEPT_RULES)
def compiled(document: str) -> Compiled:
    """Rules of a JSON text (`ScreeningChanged.rules`, `DEFAULT_RULES_TEXT`), made once. Raises RulesUnfit."""
    return Compiled(rules_from(document))


def screen(text: str, room: Compiled) -> list[Finding]:
    """What the rules find in a text that `clean_message` gave; empty: nothing, let it through.

    At most 16, those that reject first. A rule is named `terms.<number in the document, from 0>`,
    `links.policy`, `links.denied`, `checks.<feature>` or `score:<features that add most>`; its score is
    the measured feature or the spam score. Neither text nor term is in it: findings stay readable when their
    author is forgotten. The same text and rules give the same findings.
    """
    rules = room.rules
    found = [
        Finding(rule=f"terms.{number}", action=rules.terms[number].action, score=None)
        for number in (room.terms.find(readings(text)) if rules.terms else ())
    ]
    linked = hosts(text)
    if linked and (rule := broken(linked, rules.links.policy, room.allowed, room.denied)):
        found.append(Finding(rule=f"links.{rule}", action=rules.links.action, score=None))
    features = measured(text, len(linked))
    for feature, check in rules.checks.items():
        if (value := features.get(feature, 0)) >= check.at:
            found.append(Finding(rule=f"checks.{feature}", action=check.action, score=round(value, 3)))
    if rules.score is not None:
        added = contributions(features, rules.score.weights)
        if action := _action(total := score(added), rules.score.hold_at, rules.score.reject_at):
            raising = [feature for feature in _largest_first(added) if added[feature] > 0]
            rule = f"score:{','.join(raising[:_NAMED_FEATURES])}"
            found.append(Finding(rule=rule[:_LONGEST_RULE], action=action, score=total))
    if len(found) > 1:
        found.sort(key=lambda finding: finding["action"] != "reject")
    return found[:_MOST_FINDINGS]


def strictest(findings: Iterable[Mapping[str, object]]) -> Action | None:
    """What the findings together ask for; None: nothing."""
    asked = {finding["action"] for finding in findings}
    return next((action for action in reversed(ACTIONS) if action in asked), None)


def repeat_form(text: str) -> str:
    """What two texts have in common that are the same to a reader; the input of the keyed `text_hash`."""
    return normalise(text).strip() or text


def _largest_first(added: Mapping[Feature, float]) -> list[Feature]:
    return sorted(added, key=lambda feature: -added[feature])


def _action(total: float, hold_at: float | None, reject_at: float | None) -> Action | None:
    if reject_at is not None and total >= reject_at:
        return "reject"
    return "hold" if hold_at is not None and total >= hold_at else None
