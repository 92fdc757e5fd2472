"""Rules as moderators read them: a term by its text, as of the version that decided."""

from __future__ import annotations

from typing import Any

import pytest

from gateways.chat.room_rules import RoomRules
from schemas.chat.screening import ScreeningRules, Term, rules_text
from tests.unit.gateways.chat.stage import ROOM

RULES = ScreeningRules(terms=[Term(text="cheap pills"), Term(text="casino")])


class Stored:
    """The desk's projection with one version of the rules."""

    async def pin(self, _: Any) -> Stored:
        return self

    def tag_of(self, _: str) -> str:
        return "tag"

    async def hget(self, _: str, version: str) -> bytes | None:
        return rules_text(RULES).encode() if version == "2" else None


@pytest.mark.parametrize(
    ("rule", "version", "said"),
    [
        ("terms.0", 2, "the term “cheap pills”"),
        ("terms.1", 2, "the term “casino”"),
        ("terms.9", 2, "a term of rules version 2"),
        ("terms.0", 1, "a term of rules version 1"),
        ("terms.0", 0, "a term of rules version 0"),
        ("links.denied", 2, "a link to a site that is denied"),
        ("checks.run", 2, "the check of run"),
        ("score:caps,links", 1, "the spam score (caps, links)"),
        ("first_messages", 1, "its author's first messages here"),
        ("", 0, ""),
    ],
)
async def test_a_rule_is_told_in_words(rule: str, version: int, said: str) -> None:
    stored: Any = Stored()
    assert await RoomRules(stored, stored, stored).said(ROOM, rule, version) == said
