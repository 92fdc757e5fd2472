"""Who may see an asset, as its owner says. Pure.

    private   its owner, and those who may see everything; what an asset is unless somebody says otherwise
    unlisted  everybody who has its address; no list names it
    public    everybody; lists name it

An asset without an owner is the administrator's: those of before assets had owners are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, cast

Visibility: TypeAlias = Literal["public", "unlisted", "private"]
PUBLIC: Final = "public"
UNLISTED: Final = "unlisted"
PRIVATE: Final = "private"
VISIBILITIES: Final[tuple[Visibility, ...]] = ("public", "unlisted", "private")


def visibility_of(document: Mapping[str, Any]) -> Visibility:
    """Of an asset's event or document; private if it says nothing, or something that is unknown here."""
    said = document.get("visibility")
    return cast("Visibility", said) if said in VISIBILITIES else "private"


def owner_of(document: Mapping[str, Any]) -> str | None:
    """Of an asset's event or document: as `Principal.owner_id` names owners; None: the administrator's."""
    owner_id: str | None = document.get("owner_id")
    return owner_id
