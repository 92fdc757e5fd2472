"""How a film is encrypted, as events and documents say it, and which key is whose. Pure.

Separate keys for the sound and for each group of rungs: who may see small pictures only gets no key of
larger ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, TypedDict

from schemas.drm.views import System
from schemas.media.events import PlanProtection, Protection
from schemas.media.plan import AUDIO_RENDITION, Plan

__all__ = ["PlanProtection", "Protection"]

Scheme: TypeAlias = Literal["cenc", "cbcs"]
SCHEMES: Final[tuple[Scheme, ...]] = ("cenc", "cbcs")
CLEAR_KEY: Final = "clearkey"
SYSTEMS: Final[tuple[System, ...]] = (CLEAR_KEY, "widevine", "playready", "fairplay")
DEFAULT_POLICY: Final = "default"
POLICY_PATTERN: Final = r"[a-z0-9][a-z0-9-]{0,63}"

AUDIO: Final = "audio"
SD: Final = "sd"
HD: Final = "hd"
UHD: Final = "uhd"
LABELS: Final = (AUDIO, SD, HD, UHD)
MOST_SD_HEIGHT: Final = 576  # pixels
MOST_HD_HEIGHT: Final = 1080


class ProtectionView(TypedDict):
    """Of an asset's document."""

    scheme: str
    systems: list[str]
    policy_id: str
    version: int  # of the film's content keys
    keys: dict[str, str]  # KID by label; empty until the film is planned


def protection_of(document: Mapping[str, Any]) -> ProtectionView | None:
    """Of an asset's document; None: not encrypted, as those of earlier versions are."""
    found: ProtectionView | None = document.get("protection")
    return found


def has_clear_key(document: Mapping[str, Any]) -> bool:
    """Whether players that know Clear Key only can play it: so they can, too, what is not encrypted."""
    protection = protection_of(document)
    return protection is None or CLEAR_KEY in protection["systems"]


def label_of(height: int) -> str:
    """The label of pictures of this height in pixels."""
    return SD if height <= MOST_SD_HEIGHT else HD if height <= MOST_HD_HEIGHT else UHD


def label_in(plan: Plan, rendition: str) -> str:
    """The label of a plan's rendition, or of its sound; KeyError for a name that it has not."""
    if rendition == AUDIO_RENDITION:
        return AUDIO
    return {each["name"]: label_of(each["height"]) for each in plan["renditions"]}[rendition]


def labels_of(plan: Plan) -> list[str]:
    """The labels that a plan's renditions need, sound first if there is any."""
    sound = [AUDIO] if plan["audio"]["mode"] != "none" else []
    return list(dict.fromkeys([*sound, *(label_of(each["height"]) for each in plan["renditions"])]))


def kids_in(protection: PlanProtection) -> dict[str, str]:
    """KID by label."""
    return {key["label"]: key["kid"] for key in protection["keys"]}
