"""Conversations through the real engine: requests in; deltas, documents, rows out; all of it built again."""

from __future__ import annotations

from typing import Any

import orjson

from schemas.chat.history import AFTER, BEFORE, FILM, ONE
from schemas.chat.views import DESK, MESSAGES, ROOMS, STREAM_LENGTH, stream_suffix
from schemas.event import Event
from tests.integration.chat.rooms import Rooms
from tests.support.worker import Worker
from tests.unit.chat import telling
from tests.unit.chat.telling import (
    ANN,
    BEN,
    HOLD,
    MODERATOR,
    OWNER,
    REJECT,
    decided,
    edit,
    mid,
    moderator,
    opened,
    pinned,
    purged,
    reacted,
    removed,
    reported,
    sanctioned,
    screening,
    sent,
)  # fmt: skip

# More than flood control lets one person write at once: these tests are about other things.
NO_LIMITS = screening("{}", based_on=0)


def conversation() -> list[Event]:
    """Something of everything."""
    return [
        opened(), moderator(MODERATOR), NO_LIMITS,
        *(sent(ANN, f"a{n}", media_ms=n * 1000) for n in range(20)),
        *(sent(BEN, f"b{n}") for n in range(20)),
        edit(ANN, "a1", "better"),
        sent(ANN, "held", found=(HOLD,)), sent(ANN, "declined", found=(HOLD,)),
        sent(ANN, "rejected", found=(REJECT,)), sent(ANN, "waiting", found=(HOLD,)),
        decided((ANN, "held"), approved=True), decided((ANN, "declined"), approved=False),
        pinned(ANN, "a2"), reacted(heart=3), reacted(ANN, "a3", heart=1), reported(BEN, ANN, "a4"),
        removed(MODERATOR, (ANN, "a5"), (ANN, "a6")), purged(MODERATOR, BEN),
        sanctioned(BEN, "shadow"), sent(BEN, "unseen"), sanctioned(ANN, "timeout", 600),
        sent(ANN, "too late"),
    ]  # fmt: skip


def shown(deltas: list[dict[str, Any]], who: str) -> dict[str, str]:
    """What a client shows of these deltas."""
    story = telling.Story()
    story.shelf.streams[f"room:{telling.ROOM}"] = {delta["id"]: delta for delta in deltas}
    return story.seen_by(who)


SURVIVE = {mid(ANN, f"a{n}"): f"a{n}" for n in range(20) if n not in (1, 5, 6)} | {
    mid(ANN, "a1"): "better",
    mid(ANN, "held"): "held",
}


async def test_a_conversation_is_shown_kept_and_built_again(rooms: Rooms) -> None:
    ids = await rooms.ask(*conversation())
    assert (await rooms.outcome(ids[0]))["type"] == "kinolog.chat.RoomCreated"
    last = await rooms.outcome(ids[-1])
    assert (last["type"], last["data"]["code"]) == ("kinolog.engine.RequestRefused", "timed_out")
    deltas = await rooms.stream()
    assert shown(deltas, OWNER) == SURVIVE
    assert shown(deltas, BEN) == SURVIVE | {mid(BEN, "unseen"): "unseen"}
    document, newest = await rooms.document(), deltas[-1]["id"]
    # The desk is another projector's, and may lag.
    desk = await rooms.until(rooms.desk, lambda d: d and d["last"] == newest)
    assert (document["last"], document["message_count"]) == (newest, 41)
    assert [pin["message"]["message_id"] for pin in document["pinned"]] == [mid(ANN, "a2")]
    assert (list(desk["held"]), list(desk["reports"])) == ([mid(ANN, "waiting")], [mid(ANN, "a4")])
    assert document["reactions"] == {"heart": 3}

    count = f"SELECT kind, count() FROM {MESSAGES} WHERE room_id = {{room:String}} GROUP BY kind"
    kept = await rooms.until(lambda: rooms.rows(count), lambda rows: dict(rows).get("shadowed") == 1)
    assert dict(kept) == {
        "message": 41, "edited": 1, "held": 3, "rejected": 1, "declined": 1, "reactions": 2, "reported": 1,
        "removed": 2, "purged": 1, "shadowed": 1, "shadow": 1, "timeout": 1,
    }  # fmt: skip

    for who, expected in ((OWNER, SURVIVE), (BEN, SURVIVE | {mid(BEN, "unseen"): "unseen"})):
        page = await rooms.history(BEFORE, me=who, limit=100, before=2**63)
        assert {row["message_id"]: row["text_sealed"] for row in page} == expected
        assert [row["id"] for row in page] == sorted((row["id"] for row in page), reverse=True)
    film = await rooms.history(FILM, by_film=True, limit=3, from_ms=3000, to_ms=9000)
    assert [row["text_sealed"] for row in film] == ["a3", "a4", "a7"]
    assert (film[0]["totals"], film[0]["edits"], film[0]["edited_at_ms"]) == ({"heart": 1}, 0, None)
    [one] = await rooms.history(ONE, limit=1, message=mid(ANN, "a1"))
    assert (one["text_sealed"], one["edits"], one["media_ms"]) == ("better", 1, 1000)
    assert one["edited_at_ms"] >= one["sent_at_ms"]
    after = await rooms.history(AFTER, oldest_first=True, limit=2, after=one["id"])
    assert [row["text_sealed"] for row in after] == ["a2", "a3"]

    for name in (ROOMS, DESK, "chat.room", MESSAGES):
        report = await rooms.verify(name)
        assert report.equal, f"{name}: {report}"


async def test_what_is_said_reaches_the_rooms_channel_in_order(rooms: Rooms) -> None:
    listener = rooms.redis.pubsub()
    await listener.ssubscribe(f"{rooms.tag(ROOMS)}:{stream_suffix(rooms.room_id)}")
    assert (await listener.get_message(timeout=60))["type"] == "ssubscribe"
    await rooms.ask(opened(), NO_LIMITS, *(sent(ANN, str(n)) for n in range(50)))
    heard: list[dict[str, Any]] = []
    while len(heard) < 51:
        message = await listener.get_message(timeout=60)
        assert message is not None, f"heard {len(heard)} deltas"
        heard.append(orjson.loads(message["data"]))
    await listener.aclose()
    assert [delta["prev"] for delta in heard] == [-1, *(delta["id"] for delta in heard[:-1])]
    assert [delta["text_sealed"] for delta in heard[1:]] == [str(n) for n in range(50)]
    assert await rooms.stream() == heard


async def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(
    own_rooms: Rooms, worker: Worker
) -> None:
    worker.start()
    await own_rooms.ask(opened(), NO_LIMITS)
    total = 0
    for _ in range(3):
        said = [sent(ANN, str(total + n)) for n in range(400)]
        ids = await own_rooms.ask(*said[:200])
        await own_rooms.outcome(ids[0])
        rest = [*said[200:], removed(OWNER, *((ANN, str(total + n)) for n in range(50)))]
        ids = await own_rooms.ask(*rest)
        worker.kill()
        worker.start()
        total += 400
    await own_rooms.outcome(ids[-1])
    document = await own_rooms.document()
    assert document["message_count"] == total
    gone = {f"{round_ * 400 + n}" for round_ in range(3) for n in range(50)}
    left = [str(n) for n in range(total) if str(n) not in gone]
    deltas = await own_rooms.stream()
    texts = [delta["text_sealed"] for delta in deltas if delta["kind"] == "message"]
    assert texts == left[-len(texts) :]
    # What was removed last left the stream when it was full, and its tombstone alone took a place.
    assert len(deltas) == STREAM_LENGTH - 50 + 1
    for name in (ROOMS, DESK, "chat.room"):
        report = await own_rooms.verify(name)
        assert report.equal, f"{name}: {report}"
