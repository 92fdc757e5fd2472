"""What a room's rules find, and what their findings say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from schemas.chat.screening import (
    DEFAULT_RULES,
    DEFAULT_RULES_TEXT,
    MOST_BYTES,
    MOST_TERMS,
    RulesUnfit,
    rules_from,
    rules_text,
)
from streams.core.screening.screen import compiled, repeat_form, screen, strictest
from tests.unit.core.screening.test_normalise import ANY_TEXT

ROOM: dict[str, Any] = {
    "terms": [
        {"text": "badword"},
        {"text": "kill yourself", "action": "reject"},
        {"text": "spam", "whole_word": False},
    ],
    "links": {"policy": "listed", "allowed": ["Example.org", "bücher.de"], "denied": ["evil.com"]},
    "checks": {"caps": {"at": 0.8}, "mentions": {"at": 3, "action": "reject"}},
    "score": {"weights": {"links": 0.6, "mentions": 0.5, "caps": 0.3}, "hold_at": 0.5, "reject_at": 0.9},
}


def found(text: str, **changed: Any) -> list[tuple[str, str, float | None]]:
    room = compiled(json.dumps(ROOM | changed))
    return [(f["rule"], f["action"], f["score"]) for f in screen(text, room)]


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("a fine film", []),
        ("such a b4dword", [("terms.0", "hold", None)]),
        ("antispam", [("terms.2", "hold", None)]),
        ("badword: kill-yourself", [("terms.1", "reject", None), ("terms.0", "hold", None)]),
        ("see example.org/x and https://www.bücher.de", [("score:links", "hold", 0.6)]),
        ("see example.org/x", []),
        ("see other.com", [("links.policy", "hold", None)]),
        ("see x.evil.com", [("links.denied", "hold", None)]),
        ("LOUD AND CLEAR", [("checks.caps", "hold", 1.0)]),
        ("@a @b @c", [("checks.mentions", "reject", 3.0)]),
    ],
)
def test_what_is_found(text: str, findings: list[Any]) -> None:
    assert found(text) == findings


def test_the_score_names_what_adds_most() -> None:
    text = "LOUD example.org/ EXAMPLE.ORG/ @ada @bob"
    assert found(text, checks={}) == [("score:links,mentions,caps", "reject", 0.94)]
    weights = {"links": 0.8, "emotes_only": -0.1, "length": -0.1}
    assert found("example.org", checks={}, score={"weights": weights, "hold_at": 0.3}) == [
        ("score:links", "hold", 0.398)
    ]


def test_checks_of_the_length_and_of_runs() -> None:
    checks = {"length": {"at": 10}, "run": {"at": 5, "action": "reject"}}
    assert found("ten lettersssss", checks=checks) == [
        ("checks.run", "reject", 5), ("checks.length", "hold", 15),
    ]  # fmt: skip


def test_rules_of_before_may_name_what_was_never_measured() -> None:
    weights, at = {"first_message": 0.15, "repeats": 0.5}, {"at": 1}
    before = {"checks": {"repeats": at, "run": at}, "score": {"weights": {**weights, "caps": 0.2}}}
    rules = rules_from(json.dumps(before))
    assert (list(rules.checks), rules.score and rules.score.weights) == (["run"], {"caps": 0.2})


def test_a_new_room_holds_what_looks_like_spam_and_nothing_else() -> None:
    room = compiled(DEFAULT_RULES_TEXT)
    for fine in ("hello all", "GREAT FILM!!!", "see https://example.org/x", "🔥🔥🔥🔥🔥", "@ada nooooo way"):
        assert screen(fine, room) == []
    spam = "FREE FOLLOWERS @a @b @c https://cheap.example/a https://cheap.example/b"
    assert strictest(screen(spam, room)) == "hold"
    assert strictest(screen("a" * 60, room)) == "hold"


def test_findings_are_few_and_fit_their_event() -> None:
    terms = [{"text": f"w{chr(97 + n // 26)}{chr(97 + n % 26)}"} for n in range(60)]
    many = found(
        " ".join(term["text"] for term in terms), terms=[*terms, {"text": "wcg", "action": "reject"}]
    )
    assert len(many) == 16
    assert many[0] == ("terms.60", "reject", None)
    every = dict.fromkeys(("emotes_only", "mentions", "links", "caps", "length"), 0.1)
    [score] = found("@ada EXAMPLE.ORG", checks={}, score={"weights": every, "hold_at": 0.01})
    assert len(score[0]) <= 40


def test_the_strictest_action() -> None:
    assert strictest([]) is None
    assert strictest([{"action": "hold"}]) == "hold"
    assert strictest([{"action": "hold"}, {"action": "reject"}, {"action": "hold"}]) == "reject"


def test_texts_that_read_alike_have_one_repeat_form() -> None:
    assert repeat_form("Hello,  WORLD!") == repeat_form("he\u200bllo world") != repeat_form("hello")
    assert repeat_form("🔥🔥") == "🔥🔥"


@given(ANY_TEXT)
def test_any_text_can_be_screened_and_is_judged_alike_each_time(text: str) -> None:
    room = compiled(json.dumps(ROOM))
    findings = screen(text, room)
    assert findings == screen(text, room)
    for finding in findings:
        assert set(finding) == {"rule", "action", "score"}
        assert 1 <= len(finding["rule"]) <= 40
        assert finding["action"] in ("hold", "reject")


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("[", "Invalid JSON"),
        ('{"terms": [{"text": "x", "action": "ban"}]}', "terms.0.action: Input should be 'hold' or 'reject'"),
        ('{"terms": [{"text": "!?"}]}', "terms.0.text: Value error, a term needs a letter or a digit"),
        ('{"terms": [{"text": " "}]}', "terms.0.text"),
        ('{"words": []}', "words: Extra inputs are not permitted"),
        ('{"links": {"policy": "some"}}', "links.policy: Input should be 'none', 'listed' or 'all'"),
        ('{"links": {"allowed": ["https://x.org"]}}', "a domain is expected, like example.org"),
        ('{"checks": {"capz": {"at": 1}}}', "checks.capz"),
        ('{"score": {"weights": {"caps": 2}}}', "score.weights.caps"),
        ('{"flood": {"most": 0, "within_s": 10}}', "flood.most"),
        (json.dumps({"terms": [{"text": "x"}] * (MOST_TERMS + 1)}), "at most 2000 items"),
        (" " * MOST_BYTES + "{}", "at most 256 KiB"),
    ],
)
def test_rules_that_do_not_fit_are_refused_with_the_place(document: str, sentence: str) -> None:
    with pytest.raises(RulesUnfit) as refused:
        rules_from(document)
    assert sentence in str(refused.value)


def test_rules_come_back_as_they_were() -> None:
    assert rules_from(DEFAULT_RULES_TEXT) == DEFAULT_RULES
    rules = rules_from(json.dumps(ROOM))
    assert rules.links.allowed == ["example.org", "xn--bcher-kva.de"]
    assert rules_from(rules_text(rules)) == rules
    long = rules_from(json.dumps({"terms": [{"text": "字" * 64}] * 1000}, ensure_ascii=False))
    with pytest.raises(RulesUnfit, match="256 KiB"):
        rules_text(long.model_copy(update={"terms": long.terms * 2}))
    assert rules_from("{}").score is None


def test_terms_are_no_patterns() -> None:
    assert found("aaaab abc", terms=[{"text": "(a+)+b"}, {"text": "a.c"}, {"text": "[ab]c"}]) == []
    assert found("x a b y", terms=[{"text": "(a+)+b"}]) == [("terms.0", "hold", None)]
