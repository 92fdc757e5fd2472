"""Some of a room's messages as they read now: from its window, older ones from rows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateways.chat import history
from tests.support.played import played
from tests.unit.gateways.chat.stage import ROOM, Stage, delta


def test_messages_of_any_age_are_told_as_they_read_now(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    async def rows(*_: Any, messages: list[str], **__: Any) -> list[dict[str, Any]]:
        asked.append(messages)
        return [{"message_id": "old", "id": 3, "edits": 2}]

    async def opened(_: Any, __: Any, found: Any, ___: Any) -> list[dict[str, Any]]:
        return list(found)

    monkeypatch.setattr(history, "rows", rows)
    monkeypatch.setattr(history, "opened_rows", opened)

    async def scene() -> None:
        stage = Stage()
        stage.say(
            delta(5, prev=4),
            delta(6),
            delta(7, "edited", message_id="m5", text="other", mentions=[], edit_number=1),
            delta(8, "reactions", message_id="m5", totals={"x": 2}),
        )
        await stage.feed.open()

        async def feed(_: str) -> Any:
            return stage.feed

        chat: Any = SimpleNamespace(feeds=SimpleNamespace(feed=feed))
        room: Any = {"room_id": ROOM}
        old, new = await history.among(chat, room, None, ["old", "gone", "m5"])
        assert (old["id"], old["edits"]) == (3, 2)
        assert (new["id"], new["text"], new["edits"], new["edited_at_ms"]) == (5, "other", 1, 7)
        assert new["reactions"] == {"x": 2}
        assert asked == [["old", "gone"]]
        assert [each["id"] for each in await history.among(chat, room, None, ["m6"])] == [6]
        assert await history.among(chat, room, None, []) == []
        assert len(asked) == 1
        await stage.feed.close()

    played(scene)
