"""The collector looks now and then: soon while little is in flight, late while much is."""

from __future__ import annotations

import asyncio
import gc

import pytest

from streams.engine import memory


@pytest.mark.parametrize(("in_flight", "looks"), [(10, 24), (memory.BUSY, 2)])
async def test_sweep(monkeypatch: pytest.MonkeyPatch, in_flight: int, looks: int) -> None:
    collected: list[int] = []
    periods = 0

    async def period(_: float) -> None:
        nonlocal periods
        periods += 1
        if periods > 24:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", period)
    monkeypatch.setattr(gc, "get_count", lambda: (in_flight, 0, 0))
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    with pytest.raises(asyncio.CancelledError):
        await memory.sweep()
    assert len(collected) == looks
