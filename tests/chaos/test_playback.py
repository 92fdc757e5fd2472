"""Players report while everything under them is killed once: every session is measured as if nothing was."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.launcher import local_stack
from tests.chaos.playback import KINDS, UNLIMITED, play

pytestmark = pytest.mark.chaos


def test_an_audience_survives_one_blow_of_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS", UNLIMITED)
    with local_stack(tmp_path / "home", platform=True) as stack:
        told = asyncio.run(play(stack, list(KINDS), beats=40_000, pause_s=(0.2, 0.6), seed=5))
    assert told.faults == []
    assert sum(told.blows.values()) == len(KINDS)
