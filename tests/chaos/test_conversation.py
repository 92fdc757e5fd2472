"""A conversation while everything under it is killed once: exact for all, in history, and built anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.launcher import local_stack
from tests.chaos.conversation import KINDS, UNLIMITED, converse

pytestmark = pytest.mark.chaos


async def test_a_conversation_survives_one_blow_of_every_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMITS", UNLIMITED)
    with local_stack(tmp_path / "home", platform=True) as stack:
        told = await converse(stack, list(KINDS), clients=8, per_s=1.0, pause_s=(0.5, 1.0), seed=3)
    assert told.faults == []
    assert told.messages > 0
    assert sum(told.blows.values()) == len(KINDS)
