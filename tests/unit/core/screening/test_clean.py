"""Which texts are taken as messages, and what becomes of them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.chat.views import MOST_TEXT_BYTES, MOST_TEXT_CHARS
from streams.core.screening.clean import MOST_LINES, MessageUnfit, clean_message
from tests.unit.core.screening.test_normalise import ANY_TEXT

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("  hello  ", "hello"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("\n\n a \n b\t\n", "a\nb"),
        ("tab\there", "tab here"),
        ("no\u00a0break\u3000wide", "no break wide"),
        ("cafe\u0301", "café"),
        ("e\u200b\u0301", "é"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("z\u200be\u2060r\ufeffo\u00ad", "zero"),
        ("q" + "\u0323" * 50 + "x", "q\u0323\u0323\u0323x"),
        ("a" + "\u200d" * 100 + "b", "a\u200d\u200d\u200db"),
        ("q" + "\u0323\u0323\u0323\u200d" * 9 + "x", "q\u0323\u0323\u0323x"),
        ("hidden\U000e0068\U000e0069", "hidden"),
        (ENGLAND, ENGLAND),
        ("👩‍👩‍👧‍👦 🏳️‍🌈 1️⃣ ❤️‍🔥", "👩‍👩‍👧‍👦 🏳️‍🌈 1️⃣ ❤️‍🔥"),
        ("می‌خواهم", "می‌خواهم"),  # a non-joiner that Persian needs
        ("שלום \u200fabc", "שלום \u200fabc"),
        ("क्‍ष ที่นี่", "क्‍ष ที่นี่"),
        ("\u0600\u0661", "\u0600\u0661"),
    ],
)
def test_texts_are_cleaned(text: str, taken: str) -> None:
    assert clean_message(text) == taken


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\u200b\u200d\ufe0f\u202e", "empty"),
        ("\u3164\u2800\u115f", "empty"),
        ("\u0301\u0301", "empty"),
        ("x" * (MOST_TEXT_CHARS + 1), "too_long"),
        ("x" * 1_000_000, "too_long"),
        ("\u200b" * 1_000_000, "too_long"),
        ("👍" * (MOST_TEXT_CHARS - 1) + "🔥🔥", "too_long"),
        ("\n".join("x" * (MOST_LINES + 1)), "too_many_lines"),
        ("bell\x07", "not_text"),
        ("\x1b[31mred", "not_text"),
        ("nul\x00", "not_text"),
        ("half \ud83d", "not_text"),
        ("\ufffe", "not_text"),
    ],
)
def test_what_is_no_message_is_refused_with_a_reason(text: str, code: str) -> None:
    with pytest.raises(MessageUnfit) as refused:
        clean_message(text)
    assert refused.value.code == code
    assert str(refused.value).endswith(".")


def test_the_limits_themselves_are_taken() -> None:
    assert len(clean_message("x" * MOST_TEXT_CHARS)) == MOST_TEXT_CHARS
    assert len(clean_message("👍" * MOST_TEXT_CHARS).encode()) == 4 * MOST_TEXT_CHARS <= MOST_TEXT_BYTES
    assert clean_message("\n".join("x" * MOST_LINES)).count("\n") == MOST_LINES - 1


@given(
    ANY_TEXT | st.text("a\u0301\u0323\u200d\u200b\ufe0f\U0001f3f4\U000e0067\U000e007f \n\u1100\u1161\u115f")
)
def test_what_is_taken_is_normal_visible_and_taken_again(text: str) -> None:
    try:
        taken = clean_message(text)
    except MessageUnfit:
        assume(False)
    assert clean_message(taken) == taken == unicodedata.normalize("NFC", taken) == taken.strip(" \n")
    assert any(unicodedata.category(character)[0] in "LNPSC" for character in taken)
    row = 0
    for character in taken:
        assert not unicodedata.bidirectional(character).endswith(
            ("LO", "RO", "LE", "RE", "DF", "DI", "LI", "RI", "SI")
        )
        row = row + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        assert row <= 3
