"""Owners who leave: every asset of theirs ends as was chosen, whatever came before or comes late."""

from __future__ import annotations

from collections import deque
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.media.views import recent_of
from schemas.wire import codec
from streams.engine import Op, Out, Refuse
from streams.media import owners, rules
from streams.media.projections import library
from tests.unit.media.telling import completed, event, probed, started

OWNER, HEIR, ADMIN = "a" * 32, "b" * 32, "c" * 32


class Town:
    """The deciders of assets and owners, and the library, as the log joins them."""

    def __init__(self) -> None:
        self.assets: dict[str, Any] = {}
        self.owners: dict[str, Any] = {}
        self.films: dict[str, Any] = {}
        self.said: list[Out] = []
        self._at_ms = 1_000_000

    def tell(self, topic: str, first: Event, *, twice: bool = False) -> None:
        """Decide a request and all that follows from it."""
        pending: deque[tuple[str, Event]] = deque([(topic, first)] * (2 if twice else 1))
        while pending:
            topic, each = pending.popleft()
            for out in self._outs(topic, each):
                codec().encode(out.type, out.data)
                self.said.append(out)
                self._at_ms += 1
                said = Event(out.type, out.key, out.data, at_ms=self._at_ms)
                if out.topic == "media.asset.events":
                    self.films[out.key], _ = library(self.films.get(out.key), said)
                elif out.topic in (owners.REQUESTS, owners.ASSETS):
                    pending.append((out.topic, said))

    def _outs(self, topic: str, each: Event) -> list[Out]:
        if topic == "identity.account.events":
            return owners.departed(each)
        if topic == owners.REQUESTS:
            before = orjson.dumps(self.owners.get(each.key))
            held = self.owners.get(each.key)
            self.owners[each.key], outs = owners.decide(held, each)
            assert orjson.dumps(held) == before, "a decider changed the state that it was given"
            return outs
        try:
            self.assets[each.key], outs = rules.decide(self.assets.get(each.key), each)
        except Refuse:
            return []
        return outs

    def upload(self, asset_id: str, owner_id: str | None = OWNER) -> None:
        self.tell(owners.ASSETS, started(key=asset_id, owner_id=owner_id, visibility="public"))

    def leave(self, owner_id: str = OWNER, films: str | None = "delete", heir_id: str | None = None) -> None:
        data = {"account_id": owner_id, "actor": ADMIN, "films": films, "heir_id": heir_id}
        self.tell("identity.account.events", Event("kinolog.identity.ErasureStarted", owner_id, data))

    def living(self, owner_id: str | None = OWNER) -> list[str]:
        films = self.films.items()
        return sorted(i for i, f in films if f["state"] != "deleted" and f["owner_id"] == owner_id)

    def names(self, key: str) -> list[str]:
        return [out.type.rpartition(".")[2] for out in self.said if out.key == key]


def town(*, films: int = 3) -> Town:
    made = Town()
    for number in range(films):
        made.upload(f"film-{number}")
    made.upload("other", HEIR)
    return made


def test_by_deletion_nothing_of_the_owner_remains_and_nothing_else_is_touched() -> None:
    made = town()
    made.tell(owners.ASSETS, completed(key="film-1"))
    made.tell(owners.ASSETS, probed(key="film-1"))
    made.leave()
    assert made.living() == []
    assert made.living(HEIR) == ["other"]
    assert made.names(OWNER)[-1] == "OwnerCleared"
    asked = [out.data for out in made.said if out.type.endswith("DeletionRequested")]
    assert {(d["owner_id"], d["actor"], d["privileged"]) for d in asked} == {(OWNER, ADMIN, True)}


def test_by_transfer_the_heir_owns_them_in_every_list_and_may_leave_later() -> None:
    made = town()
    made.leave(films="transfer", heir_id=HEIR)
    assert made.living() == []
    assert made.living(HEIR) == ["film-0", "film-1", "film-2", "other"]
    made.leave(HEIR, "transfer", None)
    assert made.living(HEIR) == []
    assert len(made.living(None)) == 4


def test_a_transfer_moves_the_film_between_listings() -> None:
    made = town(films=1)
    data = {"asset_id": "film-0", "owner_id": HEIR, "previous_owner_id": OWNER, "actor": ADMIN}
    before = made.films["film-0"]
    _, ops = library(before, Event("kinolog.media.AssetTransferred", "film-0", data, at_ms=9))
    assert ops == [
        Op("ZREM", recent_of(OWNER), "film-0"),
        Op("ZADD", recent_of(HEIR), before["created_at_ms"], "film-0"),
    ]


def test_an_upload_that_began_in_the_last_moment_goes_the_same_way() -> None:
    made = town(films=0)
    made.leave()
    assert made.names(OWNER) == ["OwnerLeft", "OwnerCleared"]
    made.upload("late")
    assert made.living() == []
    assert made.films["late"]["state"] == "deleted"
    made.tell(owners.ASSETS, completed(key="late"))
    assert made.names("late")[-1] == "RequestRefused"
    assert made.films["late"]["state"] == "deleted"


def test_an_upload_that_runs_goes_on_for_the_heir() -> None:
    made = town(films=1)
    made.leave(films="transfer", heir_id=HEIR)
    made.tell(owners.ASSETS, completed(key="film-0"))
    assert made.films["film-0"]["state"] == "uploaded"
    assert made.films["film-0"]["owner_id"] == HEIR


def test_two_who_leave_their_films_to_each_other_leave_them_to_the_administrator() -> None:
    made = town(films=2)
    made.leave(HEIR, "transfer", OWNER)
    made.leave(OWNER, "transfer", HEIR)
    assert made.living(None) == ["film-0", "film-1", "other"]


def test_what_is_left_to_somebody_who_is_gone_is_not_lost() -> None:
    made = town(films=1)
    made.leave(HEIR)
    made.leave(films="transfer", heir_id=HEIR)
    assert made.living(None) == ["film-0"]


def test_an_erasure_of_before_leaves_films_as_they_are() -> None:
    made = town(films=1)
    made.leave(films=None)
    assert made.living() == ["film-0"]


def test_oneself_is_not_privileged() -> None:
    made = town(films=1)
    data = {"account_id": OWNER, "actor": OWNER, "films": "delete", "heir_id": None}
    made.tell("identity.account.events", Event("kinolog.identity.ErasureStarted", OWNER, data))
    [asked] = [out.data for out in made.said if out.type.endswith("DeletionRequested")]
    assert asked["privileged"] is False


def test_a_transfer_of_what_is_somebody_else_s_or_deleted_is_refused() -> None:
    made = town(films=1)
    asked: dict[str, Any] = {"owner_id": HEIR, "heir_id": ADMIN, "actor": ADMIN, "privileged": True}
    with pytest.raises(Refuse) as refusal:
        rules.decide(made.assets["film-0"], event("TransferRequested", key="film-0", **asked))
    assert refusal.value.code == "owner_changed"
    made.tell(owners.ASSETS, event("DeletionRequested", key="film-0", actor=OWNER))
    with pytest.raises(Refuse) as refusal:
        rules.decide(made.assets["film-0"], event("TransferRequested", key="film-0", **asked))
    assert refusal.value.code == "asset_deleted"


def test_more_films_than_are_asked_for_at_once() -> None:
    made = town(films=owners.WINDOW + 25)
    made.leave(films="transfer", heir_id=HEIR)
    assert made.living() == []
    assert len(made.living(HEIR)) == owners.WINDOW + 26
    assert made.names(OWNER).count("OwnerCleared") == 1


@settings(max_examples=60, deadline=None)
@given(
    st.permutations(["up-1", "up-2", "up-3", "del-1", "leave", "done-2"]),
    st.sampled_from(["delete", "transfer"]),
    st.booleans(),
)
def test_in_any_order_nothing_of_the_owner_remains(steps: list[str], films: str, twice: bool) -> None:
    made = Town()
    for step in steps:
        what, _, number = step.partition("-")
        key = f"film-{number}"
        if what == "up":
            made.upload(key)
        elif what == "leave":
            made.leave(films=films, heir_id=HEIR)
        else:
            request = (
                event("DeletionRequested", key=key, actor=OWNER) if what == "del" else completed(key=key)
            )
            made.tell(owners.ASSETS, request, twice=twice)
    assert made.living() == []
    left = made.owners[OWNER]
    assert left["assets"] == {}
    assert "OwnerCleared" in made.names(OWNER)
    if films == "delete":
        assert all(film["state"] == "deleted" for film in made.films.values() if film)
