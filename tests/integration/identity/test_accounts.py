"""Accounts and login sessions on the real stack."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import aiohttp

from tests.integration.identity.conftest import PASSWORD, Api, Person

WRONG = "another password altogether"


async def test_from_invitation_to_sign_out(api: Api) -> None:
    person = await api.person("creator", name="Ada")
    me = await api.ask("GET", "/v1/me", 200, headers=person.bearer)
    told = (me["id"], me["email"], me["state"], me["roles"], me["display_name"])
    assert told == (person.account_id, person.email, "active", ["creator"], "Ada")
    sessions = await api.ask("GET", "/v1/sessions", 200, headers=person.bearer)
    assert [(s["sid"], s["current"]) for s in sessions["items"]] == [(person.tokens["sid"], True)]
    await api.ask("DELETE", "/v1/sessions/current", 204, headers=person.bearer)
    await api.refused(person.bearer)


async def test_every_way_not_to_get_in_has_the_same_answer(api: Api) -> None:
    person = await api.person()
    disabled = await api.person()
    await api.ask("PATCH", f"/v1/users/{disabled.account_id}", 200, {"disabled": True, "reason": "test"})
    invited = {"email": f"{uuid.uuid4().hex}@people.example", "roles": []}
    await api.ask("POST", "/v1/invitations", 201, invited)
    tries = [
        (person.email, WRONG),
        ("nobody@people.example", PASSWORD),
        ("no address", PASSWORD),
        (disabled.email, PASSWORD),
        (invited["email"], PASSWORD),
    ]
    answers = []
    for email, password in tries:
        body = {"email": email, "password": password}
        answer = await api.ask("POST", "/v1/sessions", 401, body, {})
        answers.append({name: value for name, value in answer.items() if name != "trace_id"})
    assert all(answer == answers[0] for answer in answers)
    await api.refused(disabled.bearer)


async def test_wrong_passwords_make_one_network_wait_and_nobody_else(api: Api) -> None:
    person = await api.person()
    body = {"email": person.email, "password": WRONG}
    statuses = []
    for _ in range(7):
        async with api.http.post("/v1/sessions", json=body) as answer:
            statuses.append(answer.status)
            last = answer.headers
    assert statuses[:5] == [401] * 5
    assert statuses[-1] == 429
    assert int(last["Retry-After"]) >= 1
    # Another account from the same network, this one's running session, and its owner elsewhere go on.
    await api.person()
    await api.ask("GET", "/v1/me", 200, headers=person.bearer)
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(api.stack.url("identity"), connector=elsewhere) as http:
        await Api(http, api.stack).sign_in(person)


async def test_a_refresh_token_that_comes_back_after_its_successor_was_used_ends_the_session(
    api: Api,
) -> None:
    person = await api.person()
    first = person.tokens["refresh_token"]
    second = await api.ask("POST", "/v1/sessions/refresh", 200, {"refresh_token": first}, {})
    assert second["sid"] == person.tokens["sid"]
    renewed = {"Authorization": f"Bearer {second['access_token']}"}
    await api.ask("GET", "/v1/me", 200, headers=renewed)
    made_up = f"kinr_{second['sid']}_{'x' * 43}"
    await api.ask("POST", "/v1/sessions/refresh", 401, {"refresh_token": made_up}, {})
    await api.ask("GET", "/v1/me", 200, headers=renewed)
    body = {"refresh_token": second["refresh_token"]}
    third = await api.ask("POST", "/v1/sessions/refresh", 200, body, {})
    answer = await api.ask("POST", "/v1/sessions/refresh", 401, {"refresh_token": first}, {})
    assert "used before" in answer["detail"]
    await api.refused(renewed)
    await api.ask("POST", "/v1/sessions/refresh", 401, {"refresh_token": third["refresh_token"]}, {})


async def test_of_many_refreshes_at_once_all_get_one_successor_at_most(api: Api) -> None:
    person = await api.person()
    body = {"refresh_token": person.tokens["refresh_token"]}

    async def attempt() -> tuple[int, str | None]:
        async with api.http.post("/v1/sessions/refresh", json=body) as answer:
            return answer.status, (await answer.json()).get("refresh_token")

    answers = await asyncio.gather(*(attempt() for _ in range(6)))
    # Who comes later than the leeway, on a machine that does much else, is taken for a thief.
    assert {status for status, _ in answers} <= {200, 401}
    assert len({token for status, token in answers if status == 200}) == 1


async def test_a_browser_gets_a_cookie_and_no_token(api: Api) -> None:
    person = await api.person()
    body = {"email": person.email, "password": PASSWORD, "cookie": True}
    async with api.http.post("/v1/sessions", json=body) as answer:
        assert answer.status == 201
        document = await answer.json()
        morsel = answer.cookies["kinolog_session"]
    assert (document["access_token"], document["refresh_token"]) == (None, None)
    assert morsel["httponly"]
    assert morsel["samesite"] == "Strict"
    cookie = {"Cookie": f"kinolog_session={morsel.value}"}
    await api.ask("GET", "/v1/me", 200, headers=cookie)
    await api.ask("DELETE", "/v1/sessions/current", 403, headers=cookie)  # no Origin: from another site
    origin = str(api.http._base_url).rstrip("/")
    await api.ask("DELETE", "/v1/sessions/current", 204, headers={**cookie, "Origin": origin})
    await api.refused(cookie)
    async with api.http.post("/v1/sessions", json=body, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403


async def test_ending_other_sessions_and_changing_the_password(api: Api) -> None:
    one = await api.person()
    two, three = await api.sign_in(one), await api.sign_in(one)
    await api.ask("DELETE", f"/v1/sessions/{two.tokens['sid']}", 204, headers=one.bearer)
    await api.refused(two.bearer)
    await api.ask("DELETE", f"/v1/sessions/{two.tokens['sid']}", 404, headers=one.bearer)
    body = {"current_password": WRONG, "new_password": "quite a few new words"}
    await api.ask("POST", "/v1/me/password", 403, body, one.bearer)
    body["current_password"] = PASSWORD
    await api.ask("POST", "/v1/me/password", 204, body, one.bearer)
    await api.ask("POST", "/v1/me/password", 204, body, one.bearer)  # a retry whose answer was lost
    await api.refused(three.bearer)
    await api.ask("GET", "/v1/me", 200, headers=one.bearer)
    again = Person(one.account_id, one.email, "quite a few new words")
    four = await api.sign_in(again)
    await api.ask("DELETE", "/v1/sessions", 204, headers=four.bearer)
    await api.refused(one.bearer)


async def test_a_link_is_redeemed_once_and_by_one(api: Api) -> None:
    wish = {"email": f"{uuid.uuid4().hex}@people.example", "roles": ["viewer"]}
    link = await api.ask("POST", "/v1/invitations", 201, wish)
    weak = {"token": link["token"], "password": "password1234"}
    await api.ask("POST", "/v1/one-time-links/redeem", 422, weak, {})

    async def attempt(number: int) -> int:
        body = {"token": link["token"], "password": f"the words of number {number}"}
        async with api.http.post("/v1/one-time-links/redeem", json=body) as answer:
            return answer.status

    statuses = await asyncio.gather(*(attempt(number) for number in range(4)))
    assert statuses.count(201) == 1
    winner = Person(link["account_id"], wish["email"], f"the words of number {statuses.index(201)}")
    await api.sign_in(winner)
    spent = {"token": link["token"], "password": PASSWORD}
    await api.ask("POST", "/v1/one-time-links/redeem", 401, spent, {})


async def test_a_reset_link_takes_the_place_of_the_one_before(api: Api) -> None:
    person = await api.person()
    path = f"/v1/users/{person.account_id}/reset-link"
    old = await api.ask("POST", path, 201, {"reason": "lost"})
    new = await api.ask("POST", path, 201, {})
    body: dict[str, Any] = {"token": old["token"], "password": "after the reset it is this"}
    await api.ask("POST", "/v1/one-time-links/redeem", 401, body, {})
    body["token"] = new["token"]
    await api.ask("POST", "/v1/one-time-links/redeem", 201, body, {})
    await api.refused(person.bearer)
    await api.sign_in(Person(person.account_id, person.email, body["password"]))


async def test_a_retry_for_a_link_that_was_redeemed_shows_none_that_opens_nothing(api: Api) -> None:
    person = await api.person()
    path, headers = (
        f"/v1/users/{person.account_id}/reset-link",
        {**api.admin, "Idempotency-Key": uuid.uuid4().hex},
    )
    link = await api.ask("POST", path, 201, {"reason": None}, headers)
    body = {"token": link["token"], "password": PASSWORD}
    await api.ask("POST", "/v1/one-time-links/redeem", 201, body, {})
    await api.ask("POST", path, 409, {"reason": None}, headers)


async def test_a_retry_of_an_invitation_is_the_same_account_with_a_link_that_works(api: Api) -> None:
    wish = {"email": f"{uuid.uuid4().hex}@people.example", "roles": ["viewer"]}
    headers = {**api.admin, "Idempotency-Key": uuid.uuid4().hex}
    first = await api.ask("POST", "/v1/invitations", 201, wish, headers)
    second = await api.ask("POST", "/v1/invitations", 201, wish, headers)
    assert first["account_id"] == second["account_id"]
    body = {"token": second["token"], "password": PASSWORD}
    await api.ask("POST", "/v1/one-time-links/redeem", 201, body, {})
    await api.ask("POST", "/v1/invitations", 409, wish)  # the address is taken
    await api.ask("POST", "/v1/invitations", 409, wish, headers)  # and the invitation redeemed


async def test_of_many_invitations_of_one_address_at_once_one_makes_an_account(api: Api) -> None:
    wish = {"email": f"{uuid.uuid4().hex}@people.example", "roles": ["viewer"]}

    async def attempt() -> int:
        async with api.http.post("/v1/invitations", json=wish, headers=api.admin) as answer:
            return answer.status

    statuses = await asyncio.gather(*(attempt() for _ in range(5)))
    assert sorted(statuses) == [201, 409, 409, 409, 409]
