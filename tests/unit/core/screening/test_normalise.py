"""What a text reads like."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.screening.normalise import in_latin, normalise, normalise_term, readings

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
"""Every code point, halves of surrogate pairs included."""


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Hello, World", " hello world "),
        ("ｆｕｌｌ width", " full width "),
        ("Crème BRÛLÉE", " creme brulee "),
        ("cre\u0301me", " creme "),
        ("z̷̧̢̛̰̈́a̴̛l̸g̵o", " zalgo "),
        ("STRASSE straße", " strasse strasse "),
        ("İstanbul ılık", " istanbul ilik "),
        ("zero\u200bwidth\u2060and\ufeffmore\u00adsoft", " zerowidthandmoresoft "),
        ("\u202eright to left\u202c", " right to left "),
        ("𝓯𝓪𝓷𝓬𝔂 ⓒⓘⓡⓒⓛⓔ 🅱🅾🆇 ᴄᴀᴘs ø", " fancy circle box caps o "),
        ("it's_so-called (here)", " it s so called here "),
        ("hidden\U000e0061\U000e0062tags", " hiddentags "),
        ("wo\u3164rd \u2800", " word "),
        ("Вася ВАСЯ", " вася вася "),
        ("السَّلام", " السلام "),
        ("हिन्दी", " हिन्दी "),
        ("한국어", " 한국어 "),
        ("", "  "),
    ],
)
def test_texts_are_read_as_people_do(text: str, read: str) -> None:
    assert normalise(text) == read


@given(ANY_TEXT)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    latin = in_latin(once)
    assert in_latin(latin) == normalise(latin) == latin


def test_no_character_there_is_changes_again() -> None:
    changed = [
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(character := chr(code)) not in ("Cn", "Co", "Lo")
        and normalise(once := normalise(character)) != once
    ]
    assert changed == []


@pytest.mark.parametrize(
    ("text", "also"),
    [
        ("ѕһір", "ship"),  # Cyrillic throughout
        ("ВООК", "book"),
        ("βοοk", "book"),  # Greek
        ("Ꮪhip", "ship"),  # Cherokee
        ("b\u0e34ook", "book"),  # a Thai vowel on a Latin letter
        ("b o o k", "book"),
        ("b.o.o.k", "book"),
        ("b-o_o k", "book"),
        ("b00k", "book"),
        ("5h1p", "ship"),
        ("sa1l", "sall"),
        ("s@il", "sail"),
        ("$h!p!", "ship"),
        ("bookkkkk", "book"),
        ("booooook", "book"),
        ("booooook", "bok"),
        ("B 0 0 K", "book"),
        ("🇧🇴🇴🇰", "book"),
        ("в.0.0.к", "book"),
    ],
)
def test_other_spellings_are_read_too(text: str, also: str) -> None:
    assert f" {also} " in readings(text)


@pytest.mark.parametrize(
    "text",
    [
        "good",
        "1455 007",
        "hello!",
        "wow!!",
        "C+",
        "a b",
        "hi 🇩🇪",
        "the score is 3:0",
        "the 90 films",
        "in 4k, 3D",
    ],
)
def test_ordinary_texts_have_one_reading(text: str) -> None:
    assert len(readings(text)) == 1


@given(ANY_TEXT)
def test_readings_are_few_and_normal(text: str) -> None:
    found = readings(text)
    assert found[0] == re.sub(r"(.)\1{3,}", r"\1\1\1", normalise(text))
    assert 1 <= len(found) <= 36
    for reading in found:
        assert reading[0] == reading[-1] == " "
        assert reading.split() == reading.strip().split(" ") or not reading.strip()


@pytest.mark.parametrize(
    ("term", "form"),
    [
        ("a$$", " ass "),
        ("Kill  Yourself!", " kill yourself "),
        ("1488", " 1488 "),
        ("rock + roll", " rock roll "),
    ],
)
def test_terms_keep_what_their_signs_mean(term: str, form: str) -> None:
    assert normalise_term(term) == form
