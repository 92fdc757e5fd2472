"""Which asset a row of the history is about."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.history import asset_of


@pytest.mark.parametrize(
    ("topic", "key", "data", "asset_id"),
    [
        ("media.work.requests", "w", {"asset_id": "film"}, "film"),
        ("media.asset.events", "film", {"code": "x"}, "film"),
        ("engine.timer.requests", "t", {"topic": "media.asset.requests", "key": "film"}, "film"),
        ("engine.timer.requests", "t", {"topic": "identity.account.requests", "key": "a"}, ""),
        ("chat.room.events", "a-film", {"asset_id": "film"}, "film"),
        ("chat.room.events", "r-0", {"asset_id": None}, ""),
        ("identity.account.events", "a", {"account_id": "a"}, ""),
    ],
)
def test_an_event_is_about_one_asset_or_none(
    topic: str, key: str, data: dict[str, Any], asset_id: str
) -> None:
    assert asset_of(topic, key, data) == asset_id
