"""Server-sent events of an asset and of its log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from gateways.core.sse import DRAINING
from gateways.media.history import causes_first, decode_cursor
from gateways.media.log import TAILS
from gateways.media.models import LogEntry
from tests.unit.gateways.conftest import BEARER, Gateway
from tests.unit.gateways.films import Film
from tests.unit.gateways.uploading import until


class Events:
    """Reads server-sent events one by one."""

    def __init__(self, answer: ClientResponse) -> None:
        self.answer = answer
        self.last_id = ""

    async def next(self) -> tuple[str, Any]:
        """The next event; ("", None) at the stream's end."""
        name, data = "", None
        async with asyncio.timeout(60):
            while line := await self.answer.content.readline():
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    name = text.removeprefix("event: ")
                elif text.startswith("id: "):
                    self.last_id = text.removeprefix("id: ")
                elif text.startswith("data: "):
                    data = orjson.loads(text.removeprefix("data: "))
                elif not text and name:
                    return name, data
        return "", None


@asynccontextmanager
async def events(gateway: Gateway, path: str, **headers: str) -> AsyncIterator[Events]:
    answer = await gateway.client.get(path, headers={**BEARER, **headers})
    assert answer.status == 200, await answer.text()
    assert answer.content_type == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    try:
        yield Events(answer)
    finally:
        answer.close()


async def test_an_asset_is_followed_from_upload_to_ready(gateway: Gateway) -> None:
    asset_id = (await gateway.upload(b"film"))["id"]
    film = Film(gateway.world, gateway.objects, asset_id)
    async with events(gateway, f"/v1/assets/{asset_id}/events") as stream:
        name, asset = await stream.next()
        assert (name, asset["state"]) == ("asset", "uploaded")
        assert (await stream.next())[0] == "progress"
        await gateway.world.work(
            asset_id, "WorkLeased", asset_id=asset_id, work_id="w1", kind="probe", chunk_index=None,
            worker="one", attempt=1, token=1,
        )  # fmt: skip
        name, progress = await stream.next()
        assert name == "progress"
        assert progress["work"] == [{"work_id": "w1", "kind": "probe", "percent": 0, "worker": "one"}]
        await film.ready()
        async with asyncio.timeout(60):
            while asset["state"] != "ready" or progress["percent"] != 100:
                name, data = await stream.next()
                asset, progress = (data, progress) if name == "asset" else (asset, data)
        assert stream.last_id


async def test_a_resumed_stream_begins_with_the_present_whatever_it_saw_last(gateway: Gateway) -> None:
    asset_id = (await gateway.upload(b"film"))["id"]
    async with events(gateway, f"/v1/assets/{asset_id}/events", **{"Last-Event-ID": "nonsense"}) as stream:
        assert (await stream.next())[0] == "asset"


async def test_a_deleted_asset_ends_its_stream(gateway: Gateway) -> None:
    asset_id = (await gateway.upload(b"film"))["id"]
    async with events(gateway, f"/v1/assets/{asset_id}/events") as stream:
        await stream.next()
        await stream.next()
        await gateway.client.delete(f"/v1/assets/{asset_id}", headers=BEARER)
        assert await stream.next() == ("asset", {"id": asset_id, "state": "deleted"})
        assert await stream.next() == ("", None)


async def test_a_quiet_stream_beats_and_a_draining_one_ends(gateway: Gateway) -> None:
    asset_id = (await gateway.upload(b"film"))["id"]
    async with events(gateway, f"/v1/assets/{asset_id}/events") as stream:
        await stream.next()
        await stream.next()
        assert await stream.answer.content.readline() == b": alive\n"
        assert gateway.client.app is not None
        gateway.client.app[DRAINING].set()
        assert await stream.next() == ("", None)


async def test_a_stream_has_no_head_that_would_never_end(gateway: Gateway) -> None:
    assert (await gateway.client.head("/v1/assets/abc/events", headers=BEARER)).status == 405


async def test_all_clients_of_an_asset_share_one_subscription_and_leave_none(gateway: Gateway) -> None:
    asset_id = (await gateway.upload(b"film"))["id"]
    path = f"/v1/assets/{asset_id}/events"
    async with events(gateway, path) as first, events(gateway, path) as second:
        await first.next()
        await second.next()
        assert len(gateway.hub.watched) == 2  # the library's tag and the progress's
    await until(lambda: not gateway.hub.watched)


async def test_an_unknown_asset_has_no_stream(gateway: Gateway) -> None:
    assert (await gateway.get("/v1/assets/nothing/events")).status == 404


# --- the log


def row(
    event_id: str, offset: int, at_ms: int, cause: str = "", topic: str = "media.asset.events"
) -> dict[str, Any]:
    return {
        "topic": topic, "partition": 3, "offset": offset, "key": "a1", "id": event_id,
        "type": "kinolog.media.X",
        "at_ms": at_ms, "source": "kinolog/test", "causation_id": cause, "trace_id": "", "data": '{"n":1}',
        "asset_id": "a1",
    }  # fmt: skip


async def test_a_log_is_paged_without_gaps(gateway: Gateway) -> None:
    gateway.history.rows = [row(f"e{n}", n, 1000 + n) for n in range(25)]
    seen: list[str] = []
    after = ""
    while True:
        body = await (await gateway.get(f"/v1/assets/a1/log?limit=10{after}")).json()
        seen += [entry["id"] for entry in body["items"]]
        if body["next_cursor"] is None:
            break
        after = f"&after={body['next_cursor']}"
    assert seen == [f"e{n}" for n in range(25)]


async def test_a_row_that_arrives_late_is_not_skipped(gateway: Gateway) -> None:
    gateway.history.rows = [row("e1", 1, 2000)]
    body = await (await gateway.get("/v1/assets/a1/log?limit=1")).json()
    gateway.history.rows.append(row("late", 0, 1000, topic="media.work.events"))
    after = await (await gateway.get(f"/v1/assets/a1/log?after={body['next_cursor']}")).json()
    assert [entry["id"] for entry in after["items"]] == ["late"]


async def test_the_log_is_streamed_live_by_one_poll_for_all(gateway: Gateway) -> None:
    gateway.history.rows = [row("e0", 0, 1000)]
    assert gateway.client.app is not None
    tails = gateway.client.app[TAILS]
    path = "/v1/assets/a1/log/stream"
    await gateway.world.redis.hset("{media.library:1:0}:state", "a1", b"{}")
    after = "?after=" + (await (await gateway.get("/v1/assets/a1/log?limit=1")).json())["next_cursor"]
    async with events(gateway, path + after) as first, events(gateway, path + after) as second:
        gateway.history.rows.append(row("e1", 1, 1001))
        for stream in (first, second):
            name, entry = await stream.next()
            assert (name, entry["id"], entry["data"]) == ("entry", "e1", {"n": 1})
        assert tails.polling == {"a1"}
        resumed = first.last_id
    await until(lambda: not tails.polling)
    gateway.history.rows.append(row("e2", 2, 1002))
    async with events(gateway, path, **{"Last-Event-ID": resumed}) as stream:
        assert (await stream.next())[1]["id"] == "e2"


async def test_a_history_that_does_not_answer_is_503(gateway: Gateway) -> None:
    from clickhouse_connect.driver.exceptions import OperationalError

    gateway.history.failing = OperationalError("no connection to 10.0.0.5")
    answer = await gateway.get("/v1/assets/a1/log")
    assert answer.status == 503
    assert "10.0.0.5" not in await answer.text()


async def test_an_event_opens_to_its_causes_and_effects(gateway: Gateway) -> None:
    gateway.history.rows = [
        row("upload", 0, 1, topic="media.asset.requests"),
        row("uploaded", 0, 1, "upload"),
        row("probe", 0, 1, "upload", topic="media.work.requests"),
        row("probed", 1, 2, "probe", topic="media.asset.requests"),
        row("planned", 1, 2, "probed"),
        row("chunk0", 1, 2, "probed", topic="media.work.requests"),
    ]
    body = await (await gateway.get("/v1/log/probed")).json()
    assert body["entry"]["id"] == "probed"
    assert [entry["id"] for entry in body["causes"]] == ["probe", "upload"]
    assert [entry["id"] for entry in body["effects"]] == ["planned", "chunk0"]
    assert (await gateway.get("/v1/log/unknown")).status == 404


@pytest.mark.parametrize(
    "after",
    [
        "%25",
        "bm9uc2Vuc2U",
        "WzFd",
        "eyJhOjAiOnRydWV9",  # {"a:0":true}
        "eyJhOjAiOjkyMjMzNzIwMzY4NTQ3NzU4MDh9",  # an offset beyond 63 bits
    ],
)
async def test_a_cursor_that_is_not_ours_is_422(gateway: Gateway, after: str) -> None:
    assert (await gateway.get(f"/v1/assets/a1/log?after={after}")).status == 422


def test_causes_stand_before_effects_and_nothing_is_lost() -> None:
    entries = [
        LogEntry.model_validate({**row(*given), "causation_id": given[3] or None, "trace_id": None})
        for given in [
            ("c", 0, 1, "b"), ("x", 1, 1, ""), ("b", 2, 1, "a"), ("a", 3, 1, "elsewhere"),
            ("self", 4, 1, "self"), ("p", 5, 1, "q"), ("q", 6, 1, "p"),
        ]
    ]  # fmt: skip
    ordered = [entry.id for entry in causes_first(entries)]
    assert ordered[:4] == ["a", "b", "c", "x"]
    assert sorted(ordered) == sorted(entry.id for entry in entries)
    assert decode_cursor(None) == {}
