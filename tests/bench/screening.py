"""What screening costs: CPU microseconds of one message with 2,000 terms, all checks and the spam score."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import Final

from schemas.chat.screening import DEFAULT_RULES, LinkRules, ScreeningRules, Term
from streams.core.screening.screen import Compiled, screen
from tests.bench.harness import OURS, Bench, Goal

TERMS: Final = 2000
MESSAGES: Final = 3000
_TALK: Final = (
    "the a to of and i you it is that in for this lol what nice film scene like was so good great one more "
    "watch time haha wow love part where when who best music did they really just actor light camera end"
)
_FOREIGN: Final = (
    "это очень хороший фильм спасибо привет да нет", "c'était génial où est-ce déjà vu très bien",
    "この映画 とても すごい 好き", "αυτή η ταινία είναι πολύ καλή", "🔥🔥 😂 🎬 ❤️ 👏🏽 👍",
)  # fmt: skip
_PARTS: Final = ("ba", "ke", "lo", "mi", "nu", "sa", "ti", "vor", "gra", "plen", "stu", "dri", "wex", "fim")


def benches() -> list[Bench]:
    """`chat.screen_us`: CPU microseconds to screen one chat line of 20 to 200 characters with 2,000 terms
    (words, phrases, parts of words), link rules, checks and the spam score; every tenth line not English,
    some with links, mentions, capitals, digits for letters, and terms. Goal: at most 40.
    """
    return [Bench("chat.screen_us", "us", True, {OURS: screen_us}, [Goal("", 40)])]


def screen_us() -> float:
    """CPU microseconds of one message."""
    room, lines = _room()
    return cost_us(lambda line: screen(line, room), lines)


def cost_us(work: Callable[[str], object], lines: list[str]) -> float:
    """CPU microseconds of `work` on a line, warm."""
    for line in lines:
        work(line)
    began = time.process_time()
    for line in lines:
        work(line)
    return (time.process_time() - began) / len(lines) * 1e6


@functools.cache
def _room() -> tuple[Compiled, list[str]]:
    chance = random.Random(5)
    words = sorted({"".join(chance.choices(_PARTS, k=chance.randint(2, 4))) for _ in range(4 * TERMS)})
    chance.shuffle(words)
    terms = [
        Term(text=f"{word} {words[-number]}" if number % 10 == 1 else word, whole_word=number % 10 != 2)
        for number, word in enumerate(words[:TERMS], start=1)
    ]
    assert len(terms) == TERMS
    links = LinkRules(policy="listed", allowed=["example.org"], denied=["bad.example"])
    rules = ScreeningRules(**(DEFAULT_RULES.model_dump() | {"terms": terms, "links": links}))
    return Compiled(rules), [_line(chance, words) for _ in range(MESSAGES)]


def _line(chance: random.Random, words: list[str]) -> str:
    length = chance.randint(20, 180)
    talk = (chance.choice(_FOREIGN) if chance.random() < 0.1 else _TALK).split()
    said = ""
    while len(said) < length:
        said += chance.choice(talk) + chance.choice((" ", " ", " ", " ", " ", ", ", "! ", ". ", "... "))
    said = said[:length].strip().capitalize()
    word = chance.choice(words)
    changes = {
        said.upper(): 0.05,
        f"{said} https://{word}.example/": 0.05,
        f"@{word} {said}": 0.05,
        said.replace("o", "0").replace("e", "3"): 0.03,
        f"{said} {word}": 0.03,
        f"{said} sooooo good": 0.03,
        f"{said} 😂😂": 0.1,
        said: 0.66,
    }
    return chance.choices(list(changes), list(changes.values()))[0]
