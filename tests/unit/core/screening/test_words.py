"""The word filter: found in every spelling, and not inside of words that mean no harm."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.chat.screening import MOST_TERMS, Term
from streams.core.screening.normalise import readings
from streams.core.screening.words import TermFinder

TERM = "badword"
SPACERS = (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u200e\u202e\u2065\ufff3\U000e0ffe\U000e0041\u3164\u180b"
    "\u0336\u0301\ufe0f"
)
LOOKALIKES = {"a": "аαａ𝐚ạâ", "b": "ｂ𝖻Ьʙ", "d": "ԁ𝒹ｄđ", "o": "оοօ0ø", "r": "гｒ𝓻ʀ", "w": "ԝѡᴡ𝔴"}


def finder(*terms: str, whole_word: bool = True) -> TermFinder:
    return TermFinder([Term(text=term, whole_word=whole_word) for term in terms])


def found(text: str, *terms: str, whole_word: bool = True) -> bool:
    return bool(finder(*terms, whole_word=whole_word).find(readings(text)))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Scunthorpe United won", ["cunt"]),
        ("a classic assassin passes the class", ["ass"]),
        ("he'll shell out, hello Michelle", ["hell"]),
        ("cocktails with Hitchcock", ["cock"]),
        ("the analysis of a canal", ["anal"]),
        ("grapefruit and drapery", ["rape"]),
        ("Essex, Sussex and Middlesex", ["sex"]),
        ("a swanky night in Titicaca", ["wank", "tit"]),
        ("the therapist shitake Lipshitz", ["rapist", "shit"]),
        ("Penistone, pen is here", ["penis"]),
        ("good food, too", ["god", "fod", "to"]),
        ("call 455 455 455, it was 1990", ["ass"]),
        ("fall and mail", ["fail", "mall"]),
        ("at 5h, in 4k, 3d", ["sh", "ak", "ed"]),
        ("hell\N{COMBINING ACUTE ACCENT}o", ["hell"]),
        ("see you 🇦🇹🇸🇸", ["at"]),
        ("he said pot", ["рот"]),  # Russian for mouth
        ("хорошо", ["xopow"]),
        ("각각", ["가"]),
        ("the scamper of mice", ["scam"]),
        ("a goat", ["go at"]),
        ("carefreemoneyed", ["free money"]),
        ("a|b, x|y|z", ["ab", "yz", "xy"]),
    ],
)
def test_terms_inside_of_harmless_words_are_not_found(text: str, terms: list[str]) -> None:
    assert not found(text, *terms)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("you BADWORD!", "badword"),
        ("badword", "badword"),
        ("(badword)", "BadWord"),
        ("_badword_ **badword**", "badword"),
        ("b a d w o r d", "badword"),
        ("b.4.d.w.0.r.d", "badword"),
        ("b4dw0rd", "badword"),
        ("baaaaadword", "badword"),
        ("b\u0336a\u0336d\u0336word", "badword"),
        ("\u202ebadword", "badword"),
        ("кill   yourself", "kill yourself"),
        ("kill-yourself", "kill yourself"),
        ("such a$$ here", "a$$"),
        ("such ass here", "a$$"),
        ("xxxxxx", "xxx"),
        ("88", "88"),
        ("плохоеслово", "ПлохоеСлово"),
        ("плoxoeслово", "плохоеслово"),  # Latin letters in a Russian word
        ("他是坏词吗", "坏词"),
        ("คำหยาบคายมาก", "หยาบคาย"),
        ("schön blöd", "blod"),
        ("s|c|a|m", "scam"),
        ("a S|C|4|M! here", "scam"),
        ("s.c.a.m", "scam"),
        ("s_c_a_m", "scam"),
        ("s!c!a!m", "scam"),
        ("s+c+a+m", "scam"),
        ("get freemoney here", "free money"),
        ("Fr33Money!", "free money"),
        ("f r e e m o n e y", "free money"),
        ("f r e e   m o n e y", "free money"),
        ("f.r.e.e money", "free money"),
        ("f|r|e|e|m|o|n|e|y", "free money"),
        ("free-money", "free money"),
        ("free|money", "free money"),
    ],
)
def test_terms_are_found_in_every_spelling(text: str, term: str) -> None:
    assert found(text, term)


def test_parts_of_words_are_found_where_that_is_asked_for() -> None:
    assert found("Scunthorpe", "cunt", whole_word=False)
    assert not found("Scunthorpe", "cunt")


def test_every_term_that_stands_there_is_named_once() -> None:
    terms = finder("kill", "nothing", "kill yourself", "yourself")
    assert terms.find(readings("kill yourself, k i l l, kill")) == [0, 2, 3]
    assert finder().find(readings("kill")) == []
    assert finder("\u0640\u0640x").find(readings("x")) == [0]


@given(st.lists(st.text(SPACERS, max_size=3), min_size=len(TERM), max_size=len(TERM)))
def test_a_term_between_invisible_characters_is_found(spacers: list[str]) -> None:
    text = "".join(letter + spacer for letter, spacer in zip(TERM, spacers, strict=True))
    assert found(f"well, {text} then", TERM)


@given(st.tuples(*(st.sampled_from(letter + LOOKALIKES[letter] + letter.upper()) for letter in TERM)))
def test_a_term_of_lookalikes_is_found(letters: tuple[str, ...]) -> None:
    assert found(f"well, {''.join(letters)} then", TERM)


@given(st.text(st.characters(codec="ascii", categories=["Lu", "Ll"]), min_size=1, max_size=10), st.data())
@settings(max_examples=50)
def test_letters_around_a_term_make_it_another_word(letters: str, data: st.DataObject) -> None:
    before = data.draw(st.integers(0, len(letters)))
    text = letters[:before] + TERM + letters[before:]
    assume(TERM not in {reading.strip() for reading in readings(text)})
    assert not found(text, TERM)


def test_two_thousand_terms_are_each_found() -> None:
    words = [f"term{chr(97 + n // 676)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}" for n in range(MOST_TERMS)]
    terms = finder(*words)
    assert [terms.find(readings(word)) for word in words] == [[n] for n in range(MOST_TERMS)]
