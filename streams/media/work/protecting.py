"""The content keys that a plan names, for work on a protected film."""

from __future__ import annotations

from typing import cast

from schemas.media.plan import Plan
from schemas.media.protection import Scheme, kids_in, label_in
from streams.core.content_keys import KeyUnknown
from streams.media.reasons import MediaProblem
from streams.media.work.tools import Tools


async def content_keys(asset_id: str, plan: Plan, tools: Tools) -> dict[str, bytes]:
    """Keys by KID; none of a plan that is not protected. MediaProblem `keys_missing`, VaultUnavailable."""
    protection = plan.get("protection")
    if protection is None:
        return {}
    scheme, kids = cast("Scheme", protection["scheme"]), list(kids_in(protection).values())
    try:
        return await tools.content_keys.get(asset_id, scheme, protection["version"], kids)
    except KeyUnknown as error:
        raise MediaProblem("keys_missing", str(error)) from None


async def key_of(asset_id: str, plan: Plan, rendition: str, tools: Tools) -> bytes | None:
    """The key of one rendition; None if it is not encrypted."""
    protection = plan.get("protection")
    if protection is None:
        return None
    return (await content_keys(asset_id, plan, tools))[kids_in(protection)[label_in(plan, rendition)]]
