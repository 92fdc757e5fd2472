"""A message as it is taken: what nobody sees or turns the text of others around is gone, and limits hold."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal, TypeAlias

from schemas.chat.views import MOST_TEXT_BYTES, MOST_TEXT_CHARS
from streams.core.screening.normalise import Table, is_unseen

MOST_LINES: Final = 5
MOST_MARKS: Final = 3  # in a row: combining marks, joiners, variants of emoji
_MOST_RAW: Final = 4 * MOST_TEXT_CHARS  # before cleaning: bounds what an attacker's text costs
_LINE_END: Final = re.compile("\r\n|[\r\x85\u2028\u2029]")
_NOT_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_TAG: Final = re.compile("(\U0001f3f4[\U000e0061-\U000e007a]{5}\U000e007f)|[\U000e0000-\U000e007f]")
_TAGS: Final = range(0xE0000, 0xE0080)  # spell the flags of England, Scotland, Wales; else hide text
_JOINERS: Final = "\u200c\u200d"  # of emoji, and of letters in Persian and Indic scripts
_SIDES: Final = "\u200e\u200f\u061c"  # place a single character; overrides and embeddings turn texts around
_ARABIC_SIGNS: Final = frozenset(map(chr, (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2)))
_FOUR_MARKS: Final = "m" * (MOST_MARKS + 1)

Unfit: TypeAlias = Literal["empty", "too_long", "too_many_lines", "not_text"]


class MessageUnfit(ValueError):
    """A text that is no message: a stable `code` for programs, a sentence for people."""

    def __init__(self, code: Unfit, sentence: str) -> None:
        super().__init__(sentence)
        self.code: Final[Unfit] = code


def clean_message(text: str) -> str:
    """The text to screen, keep and show: NFC, without invisible characters and overrides of direction.

    Joiners, marks and variants stay, at most 3 in a row; every kind of space is a plain one, lines have none
    at their ends. Raises MessageUnfit: nothing visible, more than 500 characters, 2 KiB or 5 lines, control
    characters or halves of surrogate pairs. Idempotent.
    """
    if len(text) > _MOST_RAW:
        raise _too_long(len(text))
    text = _LINE_END.sub("\n", text)
    if _NOT_TEXT.search(text):
        raise MessageUnfit("not_text", "A message holds no control characters: send plain text.")
    if text.isascii():
        text = text.replace("\t", " ")
        kinds = ""
    else:
        text = unicodedata.normalize("NFC", _TAG.sub(r"\1", text).translate(_KEPT))
        kinds = text.translate(_KINDS)
        if _FOUR_MARKS in kinds:
            text, kinds = _fewer_marks(text, kinds), kinds.replace("m", "")
    lines = [line.strip(" ") for line in text.split("\n")]
    text = "\n".join(lines).strip("\n")
    if not (text if text.isascii() else kinds.strip("m ")):
        raise MessageUnfit("empty", "There is nothing to read in this message: write something.")
    if len(text) > MOST_TEXT_CHARS or len(text.encode()) > MOST_TEXT_BYTES:
        raise _too_long(len(text))
    if text.count("\n") >= MOST_LINES:
        raise MessageUnfit("too_many_lines", f"A message has at most {MOST_LINES} lines: join some.")
    return text


def _too_long(characters: int) -> MessageUnfit:
    return MessageUnfit(
        "too_long",
        f"A message has at most {MOST_TEXT_CHARS} characters and {MOST_TEXT_BYTES} bytes, this one "
        f"{characters} characters: send it in parts.",
    )


def _kept(character: str) -> str:
    if character == "\t" or unicodedata.category(character) == "Zs":
        return " "
    needed = character in _JOINERS + _SIDES or character in _ARABIC_SIGNS or ord(character) in _TAGS
    return character if needed or not is_unseen(character) else ""


def _kind(character: str) -> str:
    """m: mark or joiner; a space; o: other. One for one."""
    if character.isspace():
        return " "
    marks = unicodedata.category(character) in ("Mn", "Me") or character in _JOINERS + _SIDES
    return "m" if marks else "o"


_KEPT: Final = Table(_kept)
_KINDS: Final = Table(_kind)


def _fewer_marks(text: str, kinds: str) -> str:
    kept, row = [], 0
    for character, kind in zip(text, kinds, strict=True):
        row = row + 1 if kind == "m" else 0
        if row <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)
