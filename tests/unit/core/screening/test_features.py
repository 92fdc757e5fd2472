"""What is counted in a text."""

from __future__ import annotations

import pytest
from hypothesis import given

from schemas.chat.screening import FULL
from streams.core.screening.features import is_emote_only, measured, mentions
from streams.core.screening.score import contributions, score
from tests.unit.core.screening.test_normalise import ANY_TEXT


def features(text: str, links: int = 0) -> dict[str, float]:
    found = dict(measured(text, links))
    del found["length"]
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a plain line", {}),
        ("SHOUTING LOUD", {"caps": 1}),
        ("Half HALF half HALF", {"caps": 9 / 16}),
        ("LOL OK", {}),  # too few letters to say anything
        ("ПРИВЕТ ВСЕМ", {"caps": 1}),
        ("wowwwww!!!", {"run": 5}),
        ("well......", {"run": 6}),
        ("a      b", {}),
        ("🔥🔥🔥🔥", {"emoji": 1, "emotes_only": 1, "run": 4}),
        ("🔥 😂", {"emotes_only": 1}),
        ("ab 🔥😂🔥😂🔥😂", {"emoji": 0.75}),
        (":wave: :cat_2:", {"emotes_only": 1}),
        ("@ada @bob hi @ada", {"mentions": 2}),
    ],
)
def test_features(text: str, found: dict[str, float]) -> None:
    assert features(text) == found


def test_links_are_counted_elsewhere() -> None:
    assert features("hi", 3) == {"links": 3}
    assert measured("hi", 0) == {"length": 2}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ada hello @Bob_2!", ["ada", "Bob_2"]),
        ("(@ada), @ada.", ["ada"]),
        ("@анна @名前 @o.k-", ["анна", "名前", "o.k"]),
        ("mail ada@example.org or @@x", []),
        ("@ nobody @-x @_x", []),
        ("@a@b", []),
        ("@" + "x" * 80, []),
    ],
)
def test_mentions(text: str, names: list[str]) -> None:
    assert mentions(text) == names


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("🔥", True), ("❤️ 👏🏽\n👍", True), ("👩‍👩‍👧‍👦🏳️‍🌈", True), ("🇩🇪", True),
        ("1️⃣ 2️⃣", True), (":kappa:", True),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", True), ("😂:kappa:", True),
        ("", False), (" ", False), ("12", False), ("ok 👍", False), (":-)", False), ("10:30:15", False),
        ("█▓▒░", False), ("⠿⠿", False), ("©", False), ("\u200d", False),
    ],
)  # fmt: skip
def test_only_emotes(text: str, only: bool) -> None:
    assert is_emote_only(text) is only


@given(ANY_TEXT)
def test_features_of_any_text_have_their_bounds(text: str) -> None:
    found = measured(text, 0)
    assert set(found) <= set(FULL)
    assert all(found.get(share, 0) <= 1 for share in ("caps", "emoji", "emotes_only"))
    assert is_emote_only(text) == bool(found.get("emotes_only"))


def test_the_score_is_the_sum_of_what_features_add() -> None:
    weights = {"caps": 0.4, "links": 0.5, "emotes_only": -0.2, "run": 0.0}
    added = contributions({"caps": 0.5, "links": 7, "emotes_only": 1, "run": 9, "length": 100}, weights)
    assert added == {"caps": 0.2, "links": 0.5, "emotes_only": -0.2}
    assert score(added) == 0.5
    assert score({"links": 0.8, "caps": 0.7}) == 1
    assert score({"emotes_only": -0.2}) == 0
