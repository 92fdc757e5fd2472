"""ProtectionPlanRequested -> ProtectionPlanned; and the content keys that a plan names, for other work."""

from __future__ import annotations

from typing import Any, cast

from schemas.media.events import KeyName
from schemas.media.plan import Plan
from schemas.media.protection import PlanProtection, Scheme, kids_in, label_in, labels_of
from streams.core.content_keys import KeyUnknown
from streams.engine import Event, Out, Work
from streams.media.plan import protected, replayed
from streams.media.reasons import MediaProblem
from streams.media.work.progress import Progress
from streams.media.work.running import report
from streams.media.work.tools import Tools


async def plan_protection(event: Event, work: Work, progress: Progress) -> list[Out]:
    """The plan of a finished film, with keys that are in the vault. Twice gives the same plan and keys."""
    progress(0)
    asset_id, wanted = event.data["asset_id"], event.data["protection"]
    plan = await with_keys(replayed(event.data["plan"]), asset_id, wanted, work.resources)
    return [report(event, "ProtectionPlanned", plan=plan)]


async def with_keys(plan: Plan, asset_id: str, wanted: dict[str, Any], tools: Tools) -> Plan:
    """The plan with keys that are in the vault: made now, or by an attempt before."""
    try:
        kids = await tools.content_keys.ensure(
            asset_id, wanted["scheme"], wanted["version"], labels_of(plan), film_known=True
        )
    except KeyUnknown as error:
        raise MediaProblem("keys_missing", str(error)) from None
    names = [KeyName(label=label, kid=kid) for label, kid in kids.items()]
    return protected(plan, cast("PlanProtection", {**wanted, "keys": names}))


async def content_keys(asset_id: str, plan: Plan, tools: Tools, progress: Progress) -> dict[str, bytes]:
    """Keys by KID, once the log says that they are used; none of a plan that is not protected.

    MediaProblem `keys_missing`, VaultUnavailable.
    """
    protection = plan.get("protection")
    if protection is None:
        return {}
    scheme, kids = cast("Scheme", protection["scheme"]), list(kids_in(protection).values())
    try:
        keys = await tools.content_keys.get(asset_id, scheme, protection["version"], kids)
    except KeyUnknown as error:
        raise MediaProblem("keys_missing", str(error)) from None
    await progress.uses_keys(protection)
    return keys


async def key_of(asset_id: str, plan: Plan, rendition: str, tools: Tools, progress: Progress) -> bytes | None:
    """The key of one rendition, as `content_keys` gives it; None if it is not encrypted."""
    protection = plan.get("protection")
    if protection is None:
        return None
    return (await content_keys(asset_id, plan, tools, progress))[
        kids_in(protection)[label_in(plan, rendition)]
    ]
