"""Common Media Client Data as players write it: version 1 (CTA-5004) and version 2 (CTA-5004-B).

Both are dictionaries of structured fields (RFC 9651). Version 1 comes with requests, in the query `CMCD` or
in four headers; of version 2's event mode each line of a body is one event. What hls.js 1.7, shaka-player 5.2
and dash.js 5.2 send is read here; what their records mean for a playback is `gateways.analytics`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import http_sf

QUERY: Final = "CMCD"
HEADERS: Final = ("CMCD-Request", "CMCD-Object", "CMCD-Status", "CMCD-Session")
MOST_CHARACTERS: Final = 8192
"""Of one record; players write some hundred."""
LONGEST_TEXT: Final = 64
"""Of session and content ids, as the standard has it."""

_FORMATS: Final = {"h": "HLS", "d": "DASH", "s": "Smooth Streaming"}
Scalar = bool | int | float | str
Record = Mapping[str, Scalar | list[Scalar]]
"""A record's values by their keys; tokens are texts, and of a list the parameters are left out."""


class CmcdInvalid(ValueError):
    """The text is no CMCD."""


def parse(text: str) -> dict[str, Scalar | list[Scalar]]:
    """One record. Raises CmcdInvalid. Values that no key of CMCD has (bytes, dates) are left out."""
    if len(text) > MOST_CHARACTERS:
        raise CmcdInvalid(f"a record has at most {MOST_CHARACTERS} characters")
    try:
        found: Any = http_sf.parse(text.encode("ascii"), tltype="dictionary")
    except (ValueError, OverflowError) as error:  # dates have bounds of their own
        raise CmcdInvalid(str(error)) from error
    record: dict[str, Scalar | list[Scalar]] = {}
    for key, (value, _) in found.items():
        if isinstance(value, list):
            record[key] = [one for item, _ in value if (one := _scalar(item)) is not None]
        elif (one := _scalar(value)) is not None:
            record[key] = one
    return record


def _scalar(value: object) -> Scalar | None:
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, http_sf.Token) else None


def sent_with(query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """The text of the record that came with a request; "" if none did. The query goes before headers."""
    found = query.get(QUERY)
    if found is not None:
        return found
    return ",".join(part for name in HEADERS if (part := headers.get(name)))


def player(record: Record) -> str:
    """What is known of the player: what it streams by."""
    return _FORMATS.get(text(record, "sf"), "")


def number(record: Record, key: str) -> float | None:
    """A number, or the largest of a list (a bitrate for each kind of object); None if there is none."""
    value = record.get(key)
    many = value if isinstance(value, list) else [value]
    found = [one for one in many if isinstance(one, int | float) and not isinstance(one, bool)]
    return max(found) if found else None


def text(record: Record, key: str) -> str:
    """A text or token, or the first of a list, at most LONGEST_TEXT long; "" if there is none or too much."""
    value = record.get(key)
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""


def flag(record: Record, key: str) -> bool:
    """Whether a key is set."""
    return record.get(key) is True
