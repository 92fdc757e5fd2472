"""Accounts and login sessions on the real stack."""

from __future__ import annotations

from tests.integration.identity.conftest import Api


async def test_from_invitation_to_sign_out(api: Api) -> None:
    person = await api.person("creator", name="Ada")
    me = await api.ask("GET", "/v1/me", 200, headers=person.bearer)
    assert (me["id"], me["email"], me["state"], me["roles"]) == (
        person.account_id,
        person.email,
        "active",
        ["creator"],
    )
    assert me["display_name"] == "Ada"
    sessions = await api.ask("GET", "/v1/sessions", 200, headers=person.bearer)
    assert [(s["sid"], s["current"]) for s in sessions["items"]] == [(person.tokens["sid"], True)]
    await api.ask("DELETE", "/v1/sessions/current", 204, headers=person.bearer)
    await api.ask("GET", "/v1/me", 401, headers=person.bearer)
