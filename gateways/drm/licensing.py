"""How a licence is given: asked on the log, awaited in the projection, looked at again, then the keys leave.

Whatever is not known in time is a no: no key leaves without a grant that the account's projection shows.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson
from aiohttp import web

from gateways.core.anonymisers import Anonymisers
from gateways.core.asking import outcome_of, publish, undecided
from gateways.core.countries import Countries
from gateways.core.deps import History, Producer
from gateways.core.problem import Problem
from gateways.core.projections import Projection, ProjectionReader, View
from gateways.core.push import Hub
from gateways.drm.denials import denied
from gateways.drm.device_names import device_names
from gateways.drm.playback_tokens import PlaybackTokens
from schemas.drm.events import (
    LICENCE_GRANTED,
    LICENCE_REPEATED,
    LICENCE_REQUESTED,
    PLAYBACK_STOPPED,
    LicenceRequested,
    Rules,
)
from schemas.drm.views import (
    DEFAULT_RULES,
    NOTHING_SAID,
    REQUESTS,
    AccountDocument,
    FilmDocument,
    LicenceView,
    StreamView,
)
from schemas.media.protection import DEFAULT_POLICY, ProtectionView, Scheme, protection_of
from schemas.wiring import REFUSED
from streams.core.content_keys import ContentKeys, KeyUnknown
from streams.core.sealing import Sealer

_NO_FILM: Final = "There is no protected film {!r} that you may watch."


@dataclass(frozen=True, slots=True)
class Film:
    """What a licence of a film is decided on, but for the account."""

    asset: dict[str, Any]
    protection: ProtectionView
    access: FilmDocument
    policy_id: str
    version: int
    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Licensing:
    """Everything the handlers work with."""

    tokens: PlaybackTokens
    producer: Producer
    keys: ContentKeys
    projections: ProjectionReader
    hub: Hub
    accounts: Projection
    films: Projection
    policies: Projection
    library: Projection
    countries: Countries
    anonymisers: Anonymisers
    sealer: Sealer
    history: History
    outcome_s: float = 4.0

    async def film(self, asset_id: str) -> Film:
        """Problem 404 for what is no protected film, 409 while its policy is not there."""
        library, films, policies = await self.projections.pin_all(self.library, self.films, self.policies)
        asset, said = await self.projections.get_all((library, asset_id), (films, asset_id))
        protection = protection_of(asset or {})
        if asset is None or asset["state"] == "deleted" or protection is None:
            raise no_film(asset_id)
        access = cast("FilmDocument", said) if said is not None else NOTHING_SAID
        policy_id = access["policy_id"] or protection["policy_id"]
        policy = await policies.get(policy_id)
        if policy is not None:
            rules = cast("Rules", {**DEFAULT_RULES, **orjson.loads(policy["rules"])})
            return Film(asset, protection, access, policy_id, policy["version"], rules)
        if policy_id != DEFAULT_POLICY:
            raise Problem("conflict", f"The film's policy {policy_id!r} is not there.", code="no_such_policy")
        return Film(asset, protection, access, "", 0, DEFAULT_RULES)

    async def licence(self, request: LicenceRequested, request_id: str) -> LicenceView:
        """The grant, with every switch looked at again. Problem 403 with the reason of a denial, else 503."""
        account_id = request["account_id"]
        view, outcome = await self.ask(
            account_id, LICENCE_REQUESTED, request, request_id, (LICENCE_GRANTED, LICENCE_REPEATED)
        )
        document = await self.account(view, account_id)
        if document is None:
            raise undecided()
        licence_id = document["repeated"].get(request_id, request_id)
        shown = document["licences"].get(licence_id)
        if outcome["type"] == REFUSED:
            names = await device_names(self.sealer, account_id, document)
            raise denied(document, str(outcome["data"]["code"]), shown, names, request["rules"])
        if shown is None or shown["code"]:
            raise undecided()
        await self._still_allowed(document, shown)
        return shown

    async def look_again(self, account_id: str, licence: LicenceView) -> None:
        """Problem 403 if a switch was turned, or the stream ended, since the grant."""
        view = await self.projections.pin(self.accounts)
        await self._still_allowed(await self.account(view, account_id), licence)

    async def _still_allowed(self, document: AccountDocument | None, licence: LicenceView) -> None:
        access = await self.access(licence["asset_id"])
        if (
            access["stopped"]
            or switch_in(document, licence["device_id"])
            or stream_in(document, licence["stream_id"]) is None
        ):
            raise Problem("forbidden", "This was switched off while it was asked for.", code="stopped")

    async def ask(
        self, account_id: str, name: str, data: Any, request_id: str, finals: Collection[str]
    ) -> tuple[View, dict[str, Any]]:
        """What became of an account's request: one of `finals`, or a refusal. Problem 503 if not in time."""
        view = await self.projections.pin(self.accounts)
        await publish(self.producer, REQUESTS, account_id, name, data, request_id)
        outcome = await view.await_outcome(account_id, request_id, self.outcome_s, (*finals, REFUSED))
        if outcome is None:
            raise undecided()
        return view, outcome

    async def account(self, view: View, account_id: str) -> AccountDocument | None:
        """Its document; None of one that nothing is known of."""
        return cast("AccountDocument | None", await view.get(account_id))

    async def end_stream(self, account_id: str, stream_id: str) -> None:
        """Its place is free, as soon as that is decided. Problem 503 if the log does not take it."""
        data = {"account_id": account_id, "stream_id": stream_id, "reason": "ended", "actor": account_id}
        await publish(self.producer, REQUESTS, account_id, PLAYBACK_STOPPED, data, uuid.uuid4().hex)

    async def film_stopped(self, view: View, account_id: str, stream_id: str) -> bool:
        """Whether what an account's stream plays is switched off; False for a stream that is not there."""
        stream = stream_in(await self.account(view, account_id), stream_id)
        return stream is not None and (await self.access(stream["asset_id"]))["stopped"]

    async def decided(
        self, projection: Projection, topic: str, key: str, name: str, data: Any, request_id: str
    ) -> None:
        """Waits until an administrator's request is decided. Problem 409 of a refusal, 503 if not in time."""
        view = await self.projections.pin(projection)
        await publish(self.producer, topic, key, name, data, request_id)
        await outcome_of(view, key, request_id, self.outcome_s)

    async def unwrap(self, film: Film, licence: LicenceView) -> dict[str, bytes]:
        """The keys of a grant by KID; Problem 409 if the film was protected anew or deleted meanwhile."""
        scheme, version = cast("Scheme", film.protection["scheme"]), film.protection["version"]
        try:
            return await self.keys.get(film.asset["id"], scheme, version, licence["kids"])
        except KeyUnknown as error:
            raise Problem("conflict", str(error), code="no_such_key") from error

    async def access(self, asset_id: str) -> FilmDocument:
        """Who may watch a film; NOTHING_SAID where nobody has said."""
        found = await (await self.projections.pin(self.films)).get(asset_id)
        return cast("FilmDocument", found) if found is not None else NOTHING_SAID


LICENSING: Final = web.AppKey("licensing", Licensing)


def no_film(asset_id: str) -> Problem:
    """404: the same for a film that is not there, is not protected or is not for this caller."""
    return Problem("not-found", _NO_FILM.format(asset_id))


def stream_in(document: AccountDocument | None, stream_id: str) -> StreamView | None:
    """What plays under this id, if it counts."""
    return None if document is None else document["streams"].get(stream_id)


def switch_in(document: AccountDocument | None, device_id: str) -> str:
    """Which switch of an account keeps its device from playing, as a denial names it; "" for none."""
    if document is None:
        return ""
    if document["stopped"]:
        return "account_stopped"
    return "device_stopped" if device_id in document["stopped_devices"] else ""
