"""What can be counted in a text: capitals, emoji, mentions and so on (`schemas.chat.screening.FULL`)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from schemas.chat.screening import Feature
from streams.core.screening.normalise import Table

_FEWEST_LETTERS: Final = 8  # below, capitals say nothing: OK, LOL, NASA
_FEWEST_EMOJI: Final = 4
_MENTION: Final = re.compile(r"(?<![\w@.])@([^\W_](?:[\w.-]{0,62}\w)?)(?![\w@])")
_EMOTE: Final = re.compile(r"(?<!\w):[a-z0-9_+-]{2,32}:(?!\w)", re.IGNORECASE)
_KEYCAP: Final = re.compile("[0-9#*]\ufe0f?\u20e3")
_RUN: Final = re.compile(r"(.)\1{3,}")
_GLUE: Final = "\u200d\ufe0e\ufe0f\u20e3"  # what joins emoji or says how they are drawn
_TONES: Final = range(0x1F3FB, 0x1F400)  # colours of the skin before them
_TAGS: Final = range(0xE0020, 0xE0080)  # letters of a region's flag
_EMOJI_PLANE: Final = range(0x1F000, 0x1FB00)
_NO_EMOJI: Final = (*range(0x2400, 0x25AA), *range(0x2800, 0x2900))  # boxes, circled letters, Braille


def _kind(character: str) -> str:
    """U: capital, l: other letter with case, e: emoji, o: other; nothing for spaces and glue of emoji."""
    code = ord(character)
    if character.isspace() or character in _GLUE or code in _TONES or code in _TAGS:
        return ""
    if character.isupper():
        return "U"
    if character.islower():
        return "l"
    category = unicodedata.category(character)
    if code in _EMOJI_PLANE and category in ("So", "Cn", "Sk"):  # Cn: of a newer Unicode than Python's
        return "e"
    return "e" if category == "So" and code >= 0x2300 and code not in _NO_EMOJI else "o"


_KINDS: Final = Table(_kind)


def measured(text: str, links: int) -> dict[Feature, float]:
    """The features that are not 0, in their units."""
    kinds = text.translate(_KINDS)
    found: dict[Feature, float] = {"length": len(text)}
    capitals = kinds.count("U")
    if capitals and (letters := capitals + kinds.count("l")) >= _FEWEST_LETTERS:
        found["caps"] = capitals / letters
    if not text.isascii() or ":" in text:
        emoji, others = _emoji(text)
        if emoji >= _FEWEST_EMOJI:
            found["emoji"] = emoji / (emoji + others)
        if emoji and not others:
            found["emotes_only"] = 1
    if links:
        found["links"] = links
    if "@" in text:
        found["mentions"] = len(mentions(text))
    if runs := [len(run[0]) for run in _RUN.finditer(text) if not run[1].isspace()]:
        found["run"] = max(runs)
    return found


def mentions(text: str) -> list[str]:
    """Names after an @, each once, in their order and as written; an e-mail address has none."""
    return list(dict.fromkeys(_MENTION.findall(text))) if "@" in text else []


def is_emote_only(text: str) -> bool:
    """Whether there is nothing but emoji, emotes (`:name:`) and spaces, and at least one of the former."""
    emoji, others = _emoji(text)
    return emoji > 0 and not others


def _emoji(text: str) -> tuple[int, int]:
    """(emoji and emotes, other visible characters). An emoji of several joined ones counts as these."""
    counted = 0
    for pattern in (_EMOTE, _KEYCAP):
        text, number = pattern.subn("", text)
        counted += number
    kinds = text.translate(_KINDS)
    emoji = kinds.count("e")
    return counted + emoji, len(kinds) - emoji
