"""Pages of a room's history, its search and the film's replay: the window and the rows without a seam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from gateways.chat import history
from gateways.chat.history import newer, older, search
from gateways.chat.replay import said_at
from tests.support.played import played
from tests.unit.gateways.chat.stage import ANN, BEN, ROOM, Stage, delta

TOTAL = 1500  # of which the window holds the newest 1000


def message(number: int, **more: Any) -> dict[str, Any]:
    return delta(
        number,
        author={"id": ANN},
        media_ms=number * 10,
        mentions=[],
        edits=0,
        message_id=f"m{number}",
        **more,
    )


class Archive:
    """Rows of the history, and everything else that pages are made of."""

    def __init__(self, stage: Stage, rows: Sequence[dict[str, Any]]) -> None:
        self.rows, self.queries = rows, 0
        self.feeds = SimpleNamespace(feed=self._feed)
        self.projections = SimpleNamespace(version=self._version)
        self.history, self.opener = self, self
        self._stage = stage

    async def _feed(self, _: str) -> Any:
        await self._stage.feed.open()
        return self._stage.feed

    async def _version(self, _: str) -> int:
        return 1

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.queries += 1
        found = list(self.rows)
        if "before" in parameters:
            found = [row for row in found if row["id"] < parameters["before"]][::-1]
        elif "after" in parameters:
            found = [row for row in found if row["id"] > parameters["after"]]
        else:
            found = [row for row in found if parameters["from_ms"] <= row["media_ms"] < parameters["to_ms"]]
        return found[: parameters["limit"]]

    async def messages(self, room: Any, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any] | None]:
        return list(rows)


def archive(*later: dict[str, Any], kept: int = TOTAL) -> Any:
    """A room of TOTAL messages and what came after; the history has `kept` of them."""
    stage = Stage()
    rows = [message(n) for n in range(TOTAL)]
    stage.say(*rows, *later)
    return Archive(stage, rows[:kept])


ROOM_DOCUMENT: Any = {"room_id": ROOM}


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_going_back_gives_every_message_once_in_order(limit: int) -> None:
    async def scene() -> None:
        chat = archive()
        seen: list[int] = []
        before = None
        while True:
            page = await older(chat, ROOM_DOCUMENT, BEN, before, limit)
            seen = [each["id"] for each in page.items] + seen
            if page.before is None or len(seen) >= 1200 > limit * 200:
                break
            before = page.before
        assert seen == list(range(TOTAL - len(seen), TOTAL))
        assert len(seen) == TOTAL or limit == 1

    played(scene)


@pytest.mark.parametrize("limit", [50, 200])
def test_going_on_gives_every_message_once_in_order(limit: int) -> None:
    async def scene() -> None:
        chat = archive()
        seen: list[int] = [0]
        after: int | None = 0
        while after is not None:
            page = await newer(chat, ROOM_DOCUMENT, BEN, after, limit)
            seen += [each["id"] for each in page.items]
            after = page.after
        assert seen == list(range(TOTAL))

    played(scene)


def test_the_newest_cost_no_query() -> None:
    async def scene() -> None:
        chat = archive()
        await older(chat, ROOM_DOCUMENT, BEN, None, 200)
        assert chat.queries == 0

    played(scene)


def test_what_was_removed_a_moment_ago_is_not_in_old_rows_either() -> None:
    async def scene() -> None:
        chat = archive(
            delta(TOTAL, "removed", message_ids=["m3"], by="author"),
            delta(
                TOTAL + 1, "edited", message_id="m4", account_id=ANN, text="new", mentions=[], edit_number=1
            ),
        )
        found = await older(chat, ROOM_DOCUMENT, BEN, 6, 3)
        assert [(each["message_id"], each["text"]) for each in found.items] == [
            ("m4", "new"),
            ("m5", "text 5"),
        ]
        replayed, _ = await said_at(chat, ROOM_DOCUMENT, BEN, 0, 60, 100)
        assert [each["message_id"] for each in replayed] == ["m0", "m1", "m2", "m4", "m5"]
        purged = archive(delta(TOTAL, "purged", account_id=ANN))
        assert (await older(purged, ROOM_DOCUMENT, BEN, 100, 50)).items == []

    played(scene)


def test_a_search_stops_in_time_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        chat = archive()
        with_77 = [n for n in range(TOTAL) if "77" in str(n)]
        page = await search(chat, ROOM_DOCUMENT, BEN, "TEXT 77", None, 100)
        assert [each["id"] for each in page.items] == with_77
        assert page.before is None
        monkeypatch.setattr(history, "SEARCH_S", 0.0)
        found, before, rounds = [], None, 0
        while rounds == 0 or before is not None:
            page = await search(chat, ROOM_DOCUMENT, BEN, "text 77", before, 3)
            found = [each["id"] for each in page.items] + found
            before, rounds = page.before, rounds + 1
        assert found == with_77
        assert rounds > 3

    played(scene)


@pytest.mark.parametrize("limit", [3, 10, 1000])
@pytest.mark.parametrize("kept", [TOTAL, 1200, 600])
def test_a_film_is_replayed_whole_whatever_the_history_has_by_now(limit: int, kept: int) -> None:
    async def scene() -> None:
        chat = archive(kept=kept)
        seen: list[int] = []
        start: int | None = 4800
        while start is not None:
            items, start = await said_at(chat, ROOM_DOCUMENT, BEN, start, 5200, limit)
            assert len(items) <= limit
            seen += [each["id"] for each in items]
        assert seen == list(range(480, 520))

    played(scene)


def test_a_moment_in_which_more_is_said_than_a_page_holds_does_not_stop_the_replay() -> None:
    async def scene() -> None:
        chat = archive()
        chat.rows = [message(n) | {"media_ms": 5} for n in range(50)]
        items, then = await said_at(chat, ROOM_DOCUMENT, BEN, 0, 8, 10)
        assert (len(items), then) == (10, 6)

    played(scene)
