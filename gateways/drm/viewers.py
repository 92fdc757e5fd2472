"""What an account has: rights, devices, what plays where, its newest licences; for it and for operators."""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.core.endpoint import json_response
from gateways.core.films import may_see
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem
from gateways.core.titles import shown_titles
from gateways.drm.device_names import device_names
from gateways.drm.licensing import LICENSING, Licensing
from schemas.drm.views import AccountDocument


class Right(BaseModel):
    """What may be watched."""

    asset_id: str = Field(description="*: all films for members")
    title: str = Field(description="empty: unknown, or not for the caller")
    kind: str = Field(description="bought, rented or member")
    until_ms: int | None = Field(description="null: for ever")


class Device(BaseModel):
    """Where it was watched."""

    device_id: str
    name: str | None
    since_ms: int
    stopped: bool = Field(description="licences are switched off for it")


class Stream(BaseModel):
    """A film that plays now."""

    stream_id: str
    asset_id: str
    title: str
    device_id: str
    device_name: str | None
    since_ms: int
    until_ms: int = Field(description="when it ends without another beat")


class RecentLicence(BaseModel):
    """A licence that was asked for."""

    licence_id: str
    asset_id: str
    title: str
    device_id: str
    system: str
    code: str = Field(description="why it was denied; empty: granted")
    at_ms: int
    expires_at_ms: int | None


class ViewerAccount(BaseModel):
    """An account as the drm service knows it."""

    account_id: str
    stopped: bool = Field(description="licences are switched off for the account")
    stopped_devices: list[str]
    rights: list[Right]
    devices: list[Device]
    streams: list[Stream]
    licences: list[RecentLicence] = Field(description="the newest 20, the newest first")


def own_account(request: web.Request) -> str:
    """The caller's. Problem 403 for who has none, such as the administrator's key."""
    owner_id = principal_of(request).owner_id
    if owner_id is None:
        raise Problem("forbidden", "Only somebody with an account has rights, devices and streams.")
    return owner_id


async def mine(request: web.Request) -> web.Response:
    return json_response(await shown(request, own_account(request)))


async def theirs(request: web.Request) -> web.Response:
    return json_response(await shown(request, request.match_info["account_id"]))


async def shown(request: web.Request, account_id: str) -> ViewerAccount:
    """As the projection has it; of an account that nobody has heard of: nothing."""
    licensing = request.app[LICENSING]
    document = cast(
        "AccountDocument | None",
        await (await licensing.projections.pin(licensing.accounts)).get(account_id),
    )
    if document is None:
        return ViewerAccount(
            account_id=account_id, stopped=False, stopped_devices=[], rights=[], devices=[], streams=[],
            licences=[],
        )  # fmt: skip
    names = await device_names(licensing.sealer, account_id, document)
    films = {each["asset_id"] for each in (*document["streams"].values(), *document["licences"].values())}
    titles = await _titles(licensing, principal_of(request), sorted(films | set(document["rights"])))
    off = document["stopped_devices"]
    return ViewerAccount(
        account_id=account_id,
        stopped=document["stopped"],
        stopped_devices=off,
        rights=[
            Right(asset_id=id, title=titles.get(id, ""), **right)
            for id, right in document["rights"].items()
        ],
        devices=[
            Device(device_id=id, name=names.get(id), since_ms=device["since_ms"], stopped=id in off)
            for id, device in document["devices"].items()
        ],
        streams=[
            Stream(
                stream_id=id, title=titles.get(stream["asset_id"], ""),
                device_name=names.get(stream["device_id"]), **stream,
            )
            for id, stream in document["streams"].items()
        ],
        licences=[
            RecentLicence(
                licence_id=id, title=titles.get(licence["asset_id"], ""),
                asset_id=licence["asset_id"], device_id=licence["device_id"], system=licence["system"],
                code=licence["code"], at_ms=licence["at_ms"], expires_at_ms=licence["expires_at_ms"],
            )
            for id, licence in reversed(document["licences"].items())
        ],
    )  # fmt: skip


async def _titles(licensing: Licensing, caller: Principal, asset_ids: list[str]) -> dict[str, str]:
    """Titles by asset id, of the films that the caller may see."""
    view = await licensing.projections.pin(licensing.library)
    found = await view.get_many(asset_ids)
    seen: list[tuple[str, dict[str, Any]]] = [
        (id, asset)
        for id, asset in zip(asset_ids, found, strict=True)
        if asset is not None and asset["state"] != "deleted" and may_see(caller, asset)
    ]
    texts = await shown_titles(licensing.sealer, seen)
    return {id: text for (id, _), text in zip(seen, texts, strict=True)}
