"""The packagers' guide: its document is answered, its command is one that is tested, its settings exist."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateways.drm import cpix
from schemas.drm.pssh import FAIRPLAY, PLAYREADY, WIDEVINE
from streams.core.settings import Settings
from tests.support.speke import keys_in

GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "packagers.md").read_text()


def block(language: str, word: str) -> str:
    [found] = [text for text in re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL) if word in text]
    return found


def test_its_document_is_answered() -> None:
    asked = cpix.read(block("xml", "CPIX").encode())
    assert (asked.content_id, asked.scheme) == ("my-film", "cbcs")
    answer = ElementTree.fromstring(cpix.fill(asked, dict.fromkeys(asked.kids, bytes(range(16)))))  # noqa: S314
    assert list(keys_in(answer).values()) == [bytes(range(16))]


def test_its_table_has_the_systems_that_are_known() -> None:
    known = [system for system in (WIDEVINE, PLAYREADY, FAIRPLAY) if f"`{system}`" in GUIDE]
    assert known == list(cpix.SYSTEMS)


def test_its_settings_exist() -> None:
    named = set(re.findall(r"\b(?:KMS|WIDEVINE)(?:_[A-Z0-9]+)*\b", GUIDE))
    assert {"KMS", "KMS_PKCS11_PIN", "WIDEVINE_SIGNERS"} <= named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


@pytest.mark.parametrize("flag", ["enable_widevine_encryption", "key_server_url", "content_id", "signer"])
def test_its_command_is_the_one_of_the_tests(flag: str) -> None:
    source = (Path(__file__).parent / "test_packager.py").read_text()
    assert f"--{flag}" in block("sh", "packager in=")
    assert f"--{flag}" in source
