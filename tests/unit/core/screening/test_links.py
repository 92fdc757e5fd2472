"""Links, in disguise too, and the domains they lead to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.screening.links import broken, hosts, is_of
from tests.unit.core.screening.test_normalise import ANY_TEXT


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://Example.ORG/x?y#z", ["example.org"]),
        ("two: http://a.example http://b.example:8080/", ["a.example", "b.example"]),
        ("www.example.museum", ["www.example.museum"]),
        ("go to example.com.", ["example.com"]),
        ("(example.com)", ["example.com"]),
        ("bit.ly/abc and t.me/xyz", ["bit.ly", "t.me"]),
        ("10.1.2.3/admin", ["10.1.2.3"]),
        ("http://[2001:db8::1]:80/", ["[2001:db8::1]"]),
        ("http://localhost:3001/", ["localhost"]),
        ("example dot com", ["example.com"]),
        ("example (dot) com", ["example.com"]),
        ("example[.]com", ["example.com"]),
        ("example . com", ["example.com"]),
        ("EXAMPLE DOT COM", ["example.com"]),
        ("hxxps://example.com", ["example.com"]),
        ("https://good.example@evil.com/", ["evil.com"]),
        ("https://good.example\\@evil.com/", ["good.example"]),
        ("https:\\\\evil.com", ["evil.com"]),
        ("exam\u200bple.com", ["example.com"]),
        ("ｅｘａｍｐｌｅ．ｃｏｍ example。com", ["example.com", "example.com"]),
        ("bücher.de", ["xn--bcher-kva.de"]),
        ("pаypal.com", ["xn--pypal-4ve.com"]),
        ("xn--bcher-kva.de", ["xn--bcher-kva.de"]),
    ],
)
def test_links_are_found(text: str, found: list[str]) -> None:
    assert hosts(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "that's it.is he", "I like it.She left", "e.g. this", "10.5 of 10", "v1.2.3", "and/or", "wow...no",
        "mail ada@example.com", "dot com", "the dot product", "at 3:15", "C:", "it ended . Really", "",
        "Mr.Smith", "end.The film", ":) :D",
    ],
)  # fmt: skip
def test_what_only_resembles_a_link_is_none(text: str) -> None:
    assert hosts(text) == []


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("javascript:alert(1)", "javascript:"),
        ("JavaScript: alert(1)", "javascript:"),
        ("see java\u200bscript://%0aalert(1)", "javascript:"),
        ("vbscript:msgbox(1)", "vbscript:"),
        ("data:text/html,<script>alert(1)</script>", "data:"),
        ("data:text/html;base64,PHNjcmlwdD4=", "data:"),
        ("data:,hello", "data:"),
        ("file:///etc/passwd", "file:"),
        ("file:/etc/passwd", "file:"),
        ("blob:https://localhost/1", "blob:"),
        ("view-source:http://localhost/", "view-source:"),
        ("about:blank", "about:"),
        ("magnet:?xt=urn:btih:1", "magnet:"),
        ("steam://run/1", "steam:"),
    ],
)
def test_an_address_of_another_scheme_is_a_link_to_no_domain(text: str, scheme: str) -> None:
    found = hosts(text)
    assert scheme in found
    assert broken(found, "none", (), ()) == "policy"
    assert broken([scheme], "listed", {"example.org"}, ()) == "policy"
    assert broken([scheme], "all", (), ()) is None


@pytest.mark.parametrize(
    "text",
    [
        "data: 5", "my data:text", "file: the big one", "file:name", "I like javascript:",
        "about: me", "the intent:good", "ratio 3:4", "and so: /s", "metadata:text/html",
    ],
)  # fmt: skip
def test_a_word_before_a_colon_is_no_scheme(text: str) -> None:
    assert hosts(text) == []


def test_a_domain_means_its_subdomains_and_no_others() -> None:
    assert is_of("example.org", {"example.org"})
    assert is_of("a.b.example.org", {"example.org"})
    assert not is_of("badexample.org", {"example.org"})
    assert not is_of("example.org.evil.com", {"example.org"})
    assert not is_of("org", {"example.org"})


@pytest.mark.parametrize(
    ("found", "policy", "rule"),
    [
        ([], "none", None),
        (["a.example"], "all", None),
        (["x.bad.example"], "all", "denied"),
        (["ok.example"], "none", "policy"),
        (["ok.example"], "listed", None),
        (["ok.example", "a.example"], "listed", "policy"),
        (["ok.example", "bad.example"], "listed", "denied"),
    ],
)
def test_policies(found: list[str], policy: str, rule: str | None) -> None:
    assert broken(found, policy, {"ok.example"}, {"bad.example"}) == rule


@given(ANY_TEXT | st.text("a.:/\\@ dot()[]\u3002x-", max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    assert all(isinstance(host, str) for host in hosts(text))
