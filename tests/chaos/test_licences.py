"""Licences are asked for while all under them is killed once: each key has its grant, counts are exact."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.launcher import local_stack
from tests.chaos.licences import KINDS, UNLIMITED, screen

pytestmark = pytest.mark.chaos


def test_licences_survive_one_blow_of_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS", UNLIMITED)
    with local_stack(tmp_path / "home", platform=True) as stack:
        told = asyncio.run(screen(stack, tmp_path, list(KINDS), requests=200, pause_s=(0.2, 0.6), seed=5))
    assert told.faults == []
    assert sum(told.blows.values()) == len(KINDS)
    assert {"licences", "too_many_streams", "too_many_devices", "token_used"} <= told.screens.keys()
