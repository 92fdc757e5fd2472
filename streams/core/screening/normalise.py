"""What a text reads like, whatever it is written with: the form in which words are searched for.

One table does NFKD, case folding and the removal of marks and of what cannot be seen, character by
character, so a text takes one pass of `str.translate`. A second one turns letters of other scripts into the
Latin ones they look like (Unicode TR39's confusables, https://www.unicode.org/reports/tr39/).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Final

import orjson

_MOST_KEPT: Final = 20_000  # characters of a table: more than texts of people have, less than an attacker's
_LONGEST: Final = 4  # a character becomes; some Arabic ligatures are whole sentences
_LEET: Final = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g"}
_SIGNS: Final = {"@": "a", "$": "s", "!": "i", "|": "i", "+": "t"}
_BLANK: Final = "\u115f\u1160\u3164\uffa0\u2800"  # letters and a symbol without ink
_TATWEEL: Final = "\u0640"  # stretches Arabic words
_DROPPED_MARKS: Final = (
    *(range(0x300, 0x370), range(0x1AB0, 0x1B00), range(0x1DC0, 0x1E00), range(0x20D0, 0x2100)),
    *(range(0xFE20, 0xFE30), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)),
    *(range(0x591, 0x5C8), range(0x64B, 0x660), range(0x670, 0x671)),
)
"""Accents, variants, Hebrew and Arabic points. The marks of other scripts are their vowels and stay."""
_CALLED_LATIN: Final = re.compile(r"(?:.* )?LATIN(?: .*)? LETTER (?:.* )?([A-Z])(?: WITH .*)?")
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)


class Table(dict[int, str | None]):
    """For `str.translate`: what each character becomes, found at its first use. Its size is bounded.

    None deletes, as an empty text would, but leaves ASCII texts to the fast way through `str.translate`.
    """

    def __init__(self, becomes: Callable[[str], str]) -> None:
        super().__init__()
        self._becomes = becomes

    def __missing__(self, code: int) -> str | None:
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[code] = found = self._becomes(chr(code)) or None
        return found


def is_unseen(character: str) -> bool:
    """Whether nothing is drawn for it: format characters, fillers, what Unicode reserves for more of them."""
    category = unicodedata.category(character)
    if category == "Cn":
        return character == "\u2065" or "\ufff0" <= character <= "\ufff8" or character >= "\U000e0000"
    return category == "Cf" or character in _BLANK


def _plain(character: str) -> str:
    """Lower case without accents; a space for what parts words; nothing for what cannot be seen."""
    if character.isascii():
        kept = character.isalnum() or character in _SIGNS
        return character.lower() if kept else " " if character.isprintable() or character.isspace() else ""
    code = ord(character)
    if is_unseen(character) or character == _TATWEEL or any(code in marks for marks in _DROPPED_MARKS):
        return ""
    if code in _FLAG_LETTERS:  # two of them are a flag, which is no part of a word; more spell one
        return " " + chr(code - _FLAG_LETTERS.start + ord("a"))
    if "HANGUL SYLLABLE" in (name := unicodedata.name(character, "")):
        return character  # its letters would match within other syllables
    for form in (unicodedata.normalize("NFKD", character), character.casefold()):
        if form != character:
            return "".join(map(_plain, form))[:_LONGEST]
    if called := _CALLED_LATIN.fullmatch(name):
        return called[1].lower()
    return character if unicodedata.category(character)[0] in "LMN" else " "


@cache
def _confusables() -> dict[str, str]:
    """Character -> the ASCII letter or digit it is confused with, of TR39's table."""
    table = orjson.loads(resources.files("homoglyphs_fork").joinpath("confusables.json").read_bytes())
    return {
        character: ("i" if latin[0] == "l" and character.isupper() else latin[0]).lower()
        for character, found in table.items()
        if len(character) == 1 and not character.isascii()
        for latin in [[other for other in found if len(other) == 1 and other.isascii() and other.isalnum()]]
        if latin
    }


def _looks_like(character: str) -> str:
    """The ASCII letter that a plain character looks like; marks of every script are dropped."""
    if character.isascii():
        return character
    if unicodedata.category(character)[0] == "M":
        return ""
    found = _confusables().get(character)
    if found is None and "\u0370" <= character < "\u0530":  # Greek and Cyrillic capitals look alike in small
        found = _confusables().get(character.upper())
    return found or character


PLAIN: Final = Table(_plain)
_LATIN: Final = Table(_looks_like)
_SIGNS_READ: Final = str.maketrans(_SIGNS)
_UNSIGNED: Final = str.maketrans(dict.fromkeys(_SIGNS, " "))
_ENDS: Final = "!|+"  # signs that are no letters at an end of a word
_DECODED: Final = str.maketrans(_LEET | _SIGNS)
_I_OR_L: Final = "1|!"
_DECODED_L: Final = str.maketrans(_LEET | _SIGNS | dict.fromkeys(_I_OR_L, "l"))
_SPELLED: Final = re.compile(r" \S(?: \S){2,}(?= )")
_PARTED: Final = re.compile(r"(?<= )[^\W_][|+!@$](?:[^\W_][|+!@$]){1,61}[^\W_](?=[!|+]* )")
"""Letters with a sign between each two of them, which parts them rather than is one (`s|c|a|m`)."""
_ENCODED: Final = re.compile(r"[a-z][0-9@$]|[0-9@$][a-z]|[a-z][!|+][a-z]")
_QUANTITY: Final = re.compile(r"[0-9]+[a-z]")
_LONG_RUN: Final = re.compile(r"(.)\1\1+")  # spaces stand alone here
_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyz "


def normalise(text: str) -> str:
    """Words between single spaces, one space before and one after all. Idempotent; takes any text."""
    return " " + " ".join(text.translate(PLAIN).translate(_UNSIGNED).split()) + " "


def normalise_term(text: str) -> str:
    """A term as `readings` has it, with its signs read as the letters they stand for (`a$$`)."""
    words = [word.strip(_ENDS).translate(_SIGNS_READ) for word in text.translate(PLAIN).split()]
    return " " + _LONG_RUN.sub(r"\1\1\1", " ".join(filter(None, words))) + " "


def in_latin(normalised: str) -> str:
    """A normalised text with every letter as the Latin one it looks like, if there is one."""
    return normalised if normalised.isascii() else normalised.translate(_LATIN)


def readings(text: str) -> list[str]:
    """All that a text may be read as, normalised: as it stands; with foreign letters as Latin ones; with
    letters that stand alone (`f o o`, `f|o|o`) joined; with digits and signs in words as letters (`f0o`, 1
    as i and as l); with characters that stand thrice or more in a row thrice, twice, and once.

    Almost always one; at most 36.
    """
    found = [" " + " ".join(text.translate(PLAIN).split()) + " "]
    if not found[0].isascii() and (latin := in_latin(found[0])) != found[0]:
        found.append(latin)
    for joining in [reading for reading in found if _SPELLED.search(reading) or _PARTED.search(reading)]:
        found.append(_SPELLED.sub(_joined, _PARTED.sub(_unparted, joining)))
    if found[0].encode("utf-8", "replace").translate(None, _LETTERS):  # there are digits, signs or others
        for encoded in [reading for reading in found if _ENCODED.search(reading)]:
            found.append(_with_words_of(encoded, _DECODED))
            if any(sign in encoded for sign in _I_OR_L):
                found.append(_with_words_of(encoded, _DECODED_L))
        found = [_without_signs(reading) for reading in found]
    if any(map(_LONG_RUN.search, found)):
        found = [_LONG_RUN.sub(times, reading) for reading in found for times in (r"\1\1\1", r"\1\1", r"\1")]
    return found if len(found) == 1 else list(dict.fromkeys(found))


def _joined(spelled: re.Match[str]) -> str:
    return " " + spelled[0].replace(" ", "")


def _unparted(parted: re.Match[str]) -> str:
    return parted[0][::2]


def _with_words_of(encoded: str, table: dict[int, str]) -> str:
    """Words of letters and other characters decoded; a number stays a number, with its unit, too (`5h`)."""
    words = [
        word.strip(_ENDS).translate(table)
        if _ENCODED.search(word) and not _QUANTITY.fullmatch(word)
        else word
        for word in encoded.split()
    ]
    return " " + " ".join(words) + " "


def _without_signs(reading: str) -> str:
    if not any(sign in reading for sign in _SIGNS):
        return reading
    return " " + " ".join(reading.translate(_UNSIGNED).split()) + " "
