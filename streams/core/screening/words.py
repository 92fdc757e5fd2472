"""The word filter: thousands of terms in one pass over a text.

A text between single spaces makes a whole word a plain substring, ` word `, so one Aho-Corasick automaton
finds words, phrases and parts of words alike, in a time that does not depend on how many terms there are and
that no choice of terms can make long. A phrase is looked for as one word, too (`freemoney`): joined, it must
stand alone, and be long enough to be no word by chance.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from ahocorasick_rs import AhoCorasick

from schemas.chat.screening import Term
from streams.core.screening.normalise import in_latin, normalise_term

_UNSPACED: Final = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""Scripts that do not put spaces between words (beginnings of Unicode names)."""
_SHORTEST_JOINED: Final = 6
"""Characters of a phrase without its spaces, so that `go at` does not find a goat."""


class TermFinder:
    """Finds terms in readings of a text (`normalise.readings`)."""

    def __init__(self, terms: Sequence[Term]) -> None:
        patterns, self._numbers = [], []
        for number, term in enumerate(terms):
            for pattern in _patterns(term):
                patterns.append(pattern)
                self._numbers.append(number)
        self._automaton = AhoCorasick(patterns) if patterns else None

    def find(self, readings: Iterable[str]) -> list[int]:
        """Numbers of the terms that stand in at least one reading, ascending."""
        if self._automaton is None:
            return []
        found = set()
        for reading in readings:
            for match in self._automaton.find_matches_as_indexes(reading, overlapping=True):
                found.add(self._numbers[match[0]])
        return sorted(found)


def _patterns(term: Term) -> list[str]:
    """What to look for; nothing for a term of invisible characters alone."""
    plain = normalise_term(term.text)
    latin = in_latin(plain)
    # A foreign word that looks like a Latin one throughout would find that one wherever it is meant.
    forms = [plain] if latin == plain or latin.isascii() else [plain, latin]
    found = [_bounded(form, term.whole_word) for form in forms if form.strip()]
    joined = [form.replace(" ", "") for form in forms if " " in form.strip()]
    return found + [_bounded(form, whole_word=True) for form in joined if len(form) >= _SHORTEST_JOINED]


def _bounded(form: str, whole_word: bool) -> str:
    inner = form.strip()
    before = " " if whole_word and not _is_unspaced(inner[0]) else ""
    after = " " if whole_word and not _is_unspaced(inner[-1]) else ""
    return before + inner + after


def _is_unspaced(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_UNSPACED)
