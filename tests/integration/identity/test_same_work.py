"""Nobody can tell by the work that a refusal takes whether there is an account: it is the same, call by call.

Calls are counted, time is not: the service in this process, on the real stack.
"""

from __future__ import annotations

import uuid

import pytest

from gateways.core.projections import View
from gateways.identity.attempts import Attempts
from gateways.identity.passwords import Passwords
from streams.core.vault import Vault
from tests.integration.identity.conftest import PASSWORD, Api
from tests.integration.identity.test_meanwhile import platform, slow
from tests.support.work import Work

__all__ = ["platform", "slow"]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """What a sign-in can ask of stores and threads."""
    work = Work(monkeypatch)
    work.watch(Vault, "put", "swap", "delete")
    work.watch(Vault, "get_many", about=lambda _, kind, ids: f"{kind} {len(ids)}")
    work.watch(View, "get", "get_many", about=lambda view, *_: view.projection.name)
    work.watch(Passwords, "_matches", "hash")
    work.watch(Attempts, "count", "forget")
    return work


async def test_every_way_not_to_get_in_takes_the_same_work(api: Api, slow: Api, work: Work) -> None:
    person, disabled, erased = await api.person(), await api.person(), await api.person()
    await api.ask("PATCH", f"/v1/users/{disabled.account_id}", 200, {"disabled": True, "reason": None})
    await api.ask("DELETE", "/v1/me", 202, headers=erased.bearer)
    invited = {"email": f"{uuid.uuid4().hex}@people.example", "roles": []}
    await api.ask("POST", "/v1/invitations", 201, invited)
    # The first use asks for what is kept from then on, such as the key of the address book.
    await slow.ask("POST", "/v1/sessions", 401, {"email": person.email, "password": "not this one"}, {})
    work.taken()
    done = {}
    for what, email, password in (
        ("a wrong password", person.email, "not this one"),
        ("an unknown address", f"{uuid.uuid4().hex}@people.example", PASSWORD),
        ("no address at all", f"nobody {uuid.uuid4().hex}", PASSWORD),
        ("a disabled account", disabled.email, PASSWORD),
        ("an erased one", erased.email, PASSWORD),
        ("one that was never redeemed", invited["email"], PASSWORD),
    ):
        await slow.ask("POST", "/v1/sessions", 401, {"email": email, "password": password}, {})
        done[what] = work.taken()
    expected = done["a wrong password"]
    assert expected["Passwords._matches"] == 1
    assert expected["Vault.get_many password 1"] == 1
    assert done == dict.fromkeys(done, expected)
