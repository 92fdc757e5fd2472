"""What players send over HTTP, well-behaved or not, and what of it stands on the log."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateways.analytics.intake import IN_ONE_GO, Intake
from gateways.analytics.service import analytics
from gateways.core.adaptive import Priority
from gateways.core.app import create_app
from gateways.core.auth import Guard
from gateways.core.cmcd import CmcdInvalid
from gateways.core.deps import CoreDeps
from gateways.core.door import DOOR
from gateways.core.permissions import VIEWER
from gateways.core.principal import Principal
from tests.unit.gateways.analytics.stage import FILM, NOW_MS, Log, OneFilm, beat, intake_of, report, taken
from tests.unit.gateways.conftest import ALLOWED_ORIGIN, BEARER, Serve

Client = TestClient[web.Request, web.Application]
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def intake(log: Log) -> Intake:
    return intake_of(log)


@pytest.fixture
async def client(serve: Serve, core: CoreDeps, intake: Intake) -> Client:
    return await serve(create_app(analytics(intake), core))


async def test_a_report_becomes_one_event_that_names_nobody(client: Client, log: Log) -> None:
    sent = report(
        beat(0, kind="start", state="starting"), beat(1, playhead_ms=1234.6, bitrate_kbps=2900.4),
        viewer="me", player="Kinolog 1", referrer="https://search.example/?q=private",
    )  # fmt: skip
    answer = await client.post("/v1/beats", json=sent, headers={"User-Agent": CHROME})
    assert await taken(answer) == {"accepted": 2, "refused": []}
    [(topic, kind, event)] = log.events
    assert (topic, kind) == ("analytics.playback.events", "kinolog.analytics.BeatsReported")
    assert event["asset_id"] == FILM
    assert (event["owner_id"], event["film_ms"], event["source"]) == ("owner", 10_000, "json")
    assert (event["device"], event["os"], event["browser"], event["bot"]) == (
        "desktop", "Windows", "Chrome", False,
    )  # fmt: skip
    assert (event["referrer"], event["player"]) == ("search.example", "Kinolog 1")
    assert len(event["viewer"]) == len(event["view_id"]) == 32
    second = event["beats"][1]
    assert (second["playhead_ms"], second["bitrate_kbps"], second["rendition"]) == (1234, 2900, "720p")
    assert second["at_ms"] == NOW_MS
    assert event["beats"][0]["at_ms"] == NOW_MS - 1
    text = json.dumps(event)
    assert "127.0.0.1" not in text
    assert '"s1"' not in text


async def test_gzip_and_the_text_of_send_beacon(client: Client, log: Log) -> None:
    packed = gzip.compress(json.dumps([report(), report(sid="s2")]).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert (await taken(await client.post("/v1/beats", data=packed, headers=headers)))["accepted"] == 2
    text = {"Content-Type": "text/plain;charset=UTF-8"}
    answer = await client.post("/v1/beats", data=json.dumps(report()), headers=text)
    assert (await taken(answer))["accepted"] == 1
    assert len({event["view_id"] for _, _, event in log.events}) == 2


async def test_many_beats_are_split_and_too_many_refused(client: Client, log: Log) -> None:
    beats = [beat(sn) for sn in range(250)]
    answer = await client.post("/v1/beats", json=[report(*beats), report(*[{}] * 1001, sid="s2")])
    assert await taken(answer) == {
        "accepted": 250,
        "refused": [{"report": 1, "index": None, "code": "too_many_beats"}],
    }
    assert [len(event["beats"]) for _, _, event in log.events] == [100, 100, 50]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (7, "not_a_report"),
        ({}, "bad_sid"),
        ({"sid": "s" * 65, "asset": FILM, "beats": [beat(0)]}, "bad_sid"),
        ({"sid": "a\n", "asset": FILM, "beats": [beat(0)]}, "bad_sid"),
        ({"sid": "s", "asset": "", "beats": [beat(0)]}, "bad_asset"),
        ({"sid": "s", "asset": {}, "beats": [beat(0)]}, "bad_asset"),
        ({"sid": "s", "asset": FILM, "beats": {}}, "no_beats"),
        ({"sid": "s", "asset": FILM, "beats": []}, "no_beats"),
    ],
)
async def test_what_is_no_report_is_refused_by_name(client: Client, log: Log, sent: Any, code: str) -> None:
    answer = await taken(await client.post("/v1/beats", json=[report(), sent]))
    assert answer == {"accepted": 1, "refused": [{"report": 1, "index": None, "code": code}]}


async def test_what_is_no_beat_is_refused_and_the_rest_taken(client: Client, log: Log) -> None:
    odd = [
        beat(0),
        5,
        {"sn": -1, "state": "playing"},
        {"sn": True, "state": "playing"},
        {"sn": 3, "state": "?", "ts_ms": 5},
        {"sn": 4, "state": "playing"},
    ]
    answer = await taken(await client.post("/v1/beats", json=report(*odd)))
    assert answer["accepted"] == 1
    assert [(each["index"], each["code"]) for each in answer["refused"]] == [
        (1, "not_an_object"), (2, "bad_sn"), (3, "bad_sn"), (4, "bad_state"), (5, "bad_ts"),
    ]  # fmt: skip


async def test_a_video_that_nobody_knows_is_taken_as_unknown(client: Client, log: Log) -> None:
    assert (await taken(await client.post("/v1/beats", json=report(asset="no-such"))))["accepted"] == 1
    [(_, _, event)] = log.events
    assert (event["asset_id"], event["owner_id"], event["film_ms"]) == ("no-such", "", None)


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 2000, "application/json", 400),
        (b"\xff\xfe", "text/plain", 400),
        (b'{"sid":"\\ud800"}', "text/plain", 400),
        (b"{}", "application/xml", 415),
        (b" " * 600_000, "text/plain", 413),
        (json.dumps([{}] * 101).encode(), "text/plain", 413),
    ],
)
async def test_bodies_that_are_none(client: Client, data: bytes, kind: str, status: int) -> None:
    answer = await client.post("/v1/beats", data=data, headers={"Content-Type": kind})
    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/problem+json"


async def test_packed_bodies_that_are_none(client: Client) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
    bomb = gzip.compress(bytes(50_000_000))
    assert (await client.post("/v1/beats", data=bomb, headers=headers)).status == 413
    for broken in (b"not packed", gzip.compress(json.dumps(report()).encode())[:-30]):
        assert (await client.post("/v1/beats", data=broken, headers=headers)).status == 400


async def test_the_same_session_id_is_another_view_for_another_account_and_film(
    client: Client, log: Log
) -> None:
    for sent in (report(), report(sid="s2"), report(asset="other"), report()):
        await taken(await client.post("/v1/beats", json=sent))
    found = [event["view_id"] for _, _, event in log.events]
    assert len(set(found)) == 3
    assert found[0] == found[3]


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
async def test_who_asks_not_to_be_tracked_is_counted_as_nobody(client: Client, log: Log, header: str) -> None:
    await taken(await client.post("/v1/beats", json=report(viewer="me"), headers={header: "1"}))
    await taken(await client.post("/v1/beats", json=report(viewer="me"), headers={header: "0"}))
    hidden, shown = (event["viewer"] for _, _, event in log.events)
    assert hidden == ""
    assert shown


async def test_pages_of_other_sites_may_report_and_are_nobody_there(
    client: Client, log: Log, guard: Any
) -> None:
    elsewhere = {"Origin": "https://elsewhere.example", "Content-Type": "text/plain"}
    assert (await client.post("/v1/beats", data=json.dumps(report()), headers=elsewhere)).status == 202
    [(_, _, event)] = log.events
    assert event["referrer"] == "elsewhere.example"
    asked = {
        "Origin": ALLOWED_ORIGIN, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,content-encoding",
    }  # fmt: skip
    preflight = await client.options("/v1/cmcd", headers=asked)
    assert preflight.headers["Access-Control-Allow-Origin"] == ALLOWED_ORIGIN


async def test_a_visitors_session_counts_on_our_own_pages_alone(
    client: Client, intake: Intake, guard: Guard
) -> None:
    visitor = Principal("watch-link", VIEWER, "session")
    cookie = f"{guard.cookie_name}={guard.tokens.issue_session(visitor)}"
    own = str(client.make_url("/")).rstrip("/")
    for origin in (own, "https://elsewhere.example", ALLOWED_ORIGIN):
        headers = {"Cookie": cookie, "Origin": origin, "Content-Type": "text/plain"}
        assert (await client.post("/v1/beats", data=json.dumps(report()), headers=headers)).status == 202
    films = intake.films
    assert isinstance(films, OneFilm)
    assert [principal.via for principal in films.asked] == ["session", "none", "none"]


async def test_reports_are_what_is_refused_first(client: Client) -> None:
    door = client.app[DOOR]
    assert door.priority("POST", "/v1/beats") is door.priority("POST", "/v1/cmcd") is Priority.BEAT
    assert min(Priority) is Priority.BEAT


async def test_the_log_away_is_said_with_when_to_come_back(client: Client, log: Log) -> None:
    log.away = True
    answer = await client.post("/v1/beats", json=report())
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    log.away = False
    assert (await client.post("/v1/beats", json=report())).status == 202


async def test_while_films_cannot_be_looked_up_reports_are_taken_and_their_film_is_told_later(
    client: Client, log: Log, intake: Intake
) -> None:
    films = intake.films
    assert isinstance(films, OneFilm)
    films.away = True
    for sent in (report(beat(0), beat(1)), report(beat(2)), report(sid="s2", asset="no-such")):
        assert (await client.post("/v1/beats", json=sent)).status == 202
    assert [(event["owner_id"], event["film_ms"]) for _, _, event in log.events] == [("", None)] * 3
    films.away = False
    assert (await client.post("/v1/beats", json=report(sid="s3"))).status == 202
    async with asyncio.timeout(20):
        while len(log.events) < 5:  # noqa: ASYNC110  # what is told tells nobody
            await asyncio.sleep(0)
    first = log.events[0][2]
    [again] = [event for _, _, event in log.events[3:] if event["view_id"] == first["view_id"]]
    assert (again["owner_id"], again["film_ms"]) == ("owner", 10_000)
    assert again["beats"] == first["beats"][:1]
    same = set(again) - {"owner_id", "film_ms", "beats"}
    assert {name: again[name] for name in same} == {name: first[name] for name in same}
    assert (await client.post("/v1/beats", json=report(sid="s3"))).status == 202
    assert len(log.events) == 6  # each is told once, and of a film that is none there is nothing to tell


async def test_a_wrong_credential_is_no_failure_of_ours(client: Client) -> None:
    answer = await client.post("/v1/beats", json=report(), headers={"Authorization": "Bearer x"})
    assert answer.status == 401
    assert (await client.post("/v1/beats", json=report(), headers=BEARER)).status == 202


async def test_lines_of_cmcd(client: Client, log: Log) -> None:
    body = "\n".join(
        [
            f'cid="{FILM}",e=ps,sf=h,sid="s1",sn=0,sta=s,ts={NOW_MS - 900},v=2',
            f'br=(2928),cid="{FILM}",e=t,mtp=(9000),pt=1500,sf=h,sid="s1",sn=1,sta=p,ts={NOW_MS},v=2,dfa=3,bsa=(1;v)',
            "this is no CMCD",
            'e=t,sid="s1",sn=3,ts=1,v=2',
            "",
        ]
    )
    headers = {"Content-Type": "application/cmcd"}
    answer = await taken(await client.post("/v1/cmcd", data=body, headers=headers))
    assert answer == {
        "accepted": 2,
        "refused": [
            {"report": 2, "index": None, "code": "invalid_cmcd"},
            {"report": 3, "index": None, "code": "invalid_cmcd"},
        ],
    }
    [(_, _, event)] = log.events
    assert (event["source"], event["player"]) == ("cmcd2", "HLS")
    first, second = event["beats"]
    assert (first["state"], first["at_ms"]) == ("starting", NOW_MS - 900)
    assert (second["state"], second["kind"], second["playhead_ms"]) == ("playing", "interval", 1500)
    assert (second["rendition"], second["dropped_frames_total"], second["stalls_total"]) == ("720p", 3, 1)


async def test_others_have_their_turn_while_a_long_body_is_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, seen = 0, list[int]()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def spoken(_: str) -> None:
        seen.append(turns)
        raise CmcdInvalid("not now")

    monkeypatch.setattr("gateways.analytics.intake.spoken", spoken)
    task = asyncio.create_task(others())
    body = "\n".join(["x" * 8000] * 60)
    answer = await client.post("/v1/cmcd", data=body, headers={"Content-Type": "application/cmcd"})
    task.cancel()
    assert (answer.status, len(seen)) == (202, 60)
    assert len(set(seen)) >= 60 * 8000 // (2 * IN_ONE_GO)


async def test_the_same_session_over_both_ways_is_one_view(client: Client, log: Log) -> None:
    line = f'cid="{FILM}",e=t,sid="s1",sn=9,sta=p,ts={NOW_MS}'
    await asyncio.gather(
        client.post("/v1/beats", json=report()),
        client.post("/v1/cmcd", data=line, headers={"Content-Type": "application/cmcd"}),
    )
    assert len({event["view_id"] for _, _, event in log.events}) == 1
