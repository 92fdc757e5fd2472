"""The tokens' signature check before Wycheproof's vectors: nothing that they call invalid is taken.

The vectors are read from the folder that JOSE_VECTORS_DIR names, by default `../shared/vectors/wycheproof`
beside the checkout.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from gateways.core.jwts import KeyUnusable, TokenRefused, public_key, signed_payload

pytestmark = pytest.mark.judges

CHECKOUT = Path(__file__).resolve().parents[2]
FILE = "json_web_signature_test.json"
# Valid by the file and refused by us all the same, each for its reason.
STRICTER: dict[str, Callable[[dict[str, Any], str], bool]] = {
    "ES521 is no registered name of an algorithm": lambda key, _: key.get("alg") == "ES521",
    "the key is for another algorithm than the token's": lambda key, token: (
        _header(token)["alg"] != key["alg"]
    ),
    "a token without a payload has no claims": lambda _, token: ".." in token,
    "a question mark is no base64url": lambda _, token: "?" in token,
}


@lru_cache(maxsize=1)
def vectors() -> list[dict[str, Any]]:
    """The groups of vectors; their absence is an error that says how to get them, never a pass."""
    folder = Path(os.environ.get("JOSE_VECTORS_DIR", CHECKOUT.parent / "shared" / "vectors" / "wycheproof"))
    if not (folder / FILE).is_file():
        raise AssertionError(
            f"no {FILE} in {folder}; get it from the repository C2SP/wycheproof, or point JOSE_VECTORS_DIR "
            "at a folder that has it"
        )
    groups: list[dict[str, Any]] = json.loads((folder / FILE).read_text())["testGroups"]
    return groups


def cases() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(key, vector) of each vector."""
    for group in vectors():
        key = group.get("public") or group["private"]
        for vector in group["tests"]:
            yield key, vector


def taken(key: dict[str, Any], token: object) -> bool:
    """Whether our check takes it, for the algorithm of the key, or the token's where the key names none."""
    if not isinstance(token, str):
        return False
    try:
        alg = key.get("alg") or _header(token)["alg"]
        used = public_key(key, alg) if key["kty"] != "oct" else _decoded(key["k"])
        if key["kty"] == "oct" and alg != "HS256":
            return False
        signed_payload(token, used, alg)
    except (TokenRefused, KeyUnusable):
        return False
    return True


def _header(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(_decoded(token.split(".")[0]))
    return header


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def test_no_invalid_vector_is_taken() -> None:
    valid = {vector["jws"] for _, vector in cases() if vector["result"] == "valid" and _is_text(vector)}
    invalid = [(key, vector) for key, vector in cases() if vector["result"] == "invalid"]
    taken_all_the_same = [vector for key, vector in invalid if taken(key, vector["jws"])]
    # Two tokens that the file calls invalid stand in it as valid too, letter by letter.
    assert [vector["tcId"] for vector in taken_all_the_same if vector["jws"] not in valid] == []
    assert len(invalid) - len(taken_all_the_same) > 300


def test_every_valid_vector_is_taken_but_those_we_refuse_on_purpose() -> None:
    valid = [(key, vector) for key, vector in cases() if vector["result"] == "valid"]
    refused = [(key, vector) for key, vector in valid if not taken(key, vector["jws"])]
    unexplained = [
        vector["tcId"]
        for key, vector in refused
        if not any(why(key, vector["jws"]) for why in STRICTER.values())
    ]
    assert unexplained == []
    assert len(valid) - len(refused) > 20


def _is_text(vector: dict[str, Any]) -> bool:
    return isinstance(vector["jws"], str)
