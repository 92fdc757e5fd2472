"""Where a film's title is sealed: under a key of the film, so that both live and die together.

The key stays with the film when it changes hands; a worker forgets it when the film is deleted.
"""

from __future__ import annotations

from typing import Final

TITLE: Final = "asset.title"  # the field that a title is sealed for
_SUBJECTS: Final = "asset:"


def subject_of(asset_id: str) -> str:
    """Whose key in the vault seals the title of this asset."""
    return f"{_SUBJECTS}{asset_id}"


def asset_of(subject: str) -> str | None:
    """The asset that a subject of the vault stands for; None for people and all others."""
    return subject.removeprefix(_SUBJECTS) if subject.startswith(_SUBJECTS) else None
