"""Which passwords are taken, and how texts that let somebody in are made and read."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from gateways.core.accounts import is_account_key
from gateways.core.problem import Problem
from gateways.identity import credentials
from gateways.identity.book import normal
from gateways.identity.passwords import Passwords, refusal


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 257,
        "aaaaaaaaaaaaaa",
        "password12345",
        "1234567890",
        "0987654321",
        "qwertyuiop",
        "abcdefghijkl",
        "ada@people.example",
        "ADA@people.EXAMPLE",
        "kinolog2026!!",
    ],
)
def test_what_everybody_tries_first_is_not_taken(password: str) -> None:
    sentence = refusal(password, "ada@people.example")
    assert sentence is not None
    assert sentence.startswith(("Choose", "This password"))


@pytest.mark.parametrize("password", ["seven small yellow submarines", "Ünïcödé zébrà", "h7!kQ2#pL9"])
def test_others_are(password: str) -> None:
    assert refusal(password, "ada@people.example") is None


async def test_a_password_matches_however_its_letters_are_composed() -> None:
    passwords = Passwords()
    try:
        kept = await passwords.hash("caf\u00e9 at noon")
        assert kept.startswith(b"$argon2id$")
        assert await passwords.matches(kept, "cafe\u0301 at noon")
        assert not await passwords.matches(kept, "cafe at noon")
        assert not await passwords.matches(None, "nobody's password")
    finally:
        passwords.close()


async def test_a_hash_by_other_parameters_is_outdated() -> None:
    passwords = Passwords()
    try:
        assert not passwords.outdated(await passwords.hash("caf\u00e9 at noon"))
        assert passwords.outdated(PasswordHasher(1, 8, 1).hash("caf\u00e9 at noon").encode())
    finally:
        passwords.close()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (" Ada@People.Example ", "ada@people.example"),
        ("a.b+c@host", "a.b+c@host"),
        ("\uff41@x.org", "a@x.org"),
    ],
)
def test_an_address_is_written_one_way(written: str, read: str) -> None:
    assert normal(written) == read


@pytest.mark.parametrize(
    "written", ["", "ada", "@x.org", "a@b@c", "a b@x.org", "a@", "a" * 65 + "@x", "a@x,b"]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(Problem):
        normal(written)


@pytest.mark.parametrize("kind", [credentials.API_KEY, credentials.LINK, credentials.REFRESH])
def test_a_text_names_its_entry_and_no_other_kind_reads_it(kind: str) -> None:
    made = credentials.make(kind, "0123456789abcdef")
    assert credentials.entry_of(kind, made.text) == "0123456789abcdef"
    assert made.sha256 == credentials.digest(made.text)
    others = {credentials.API_KEY, credentials.LINK, credentials.REFRESH} - {kind}
    assert [credentials.entry_of(other, made.text) for other in others] == [None, None]
    assert credentials.entry_of(kind, made.text + "x") is None
    assert is_account_key(made.text) == (kind == credentials.API_KEY)
