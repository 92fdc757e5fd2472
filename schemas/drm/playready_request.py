"""What a PlayReady player's request says in clear: AcquireLicense in SOAP, with the header of the film in it.

What the device says of itself is encrypted, and the licence server's.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final
from uuid import UUID

from schemas.drm.xml import XmlRefused, parsed

MOST_BYTES: Final = 128 * 1024
MOST_KIDS: Final = 64
MOST_ELEMENTS: Final = 2000
ACTION: Final = "http://schemas.microsoft.com/DRM/2007/03/protocols/AcquireLicense"
_SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
_PROTOCOL: Final = "{http://schemas.microsoft.com/DRM/2007/03/protocols}"
_HEADER: Final = "{http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader}"
_GUID_BYTES: Final = 16


class NotPlayReady(ValueError):
    """This is no such message; the message is a sentence that names what is wrong, never its content."""


def kids_of(challenge: bytes) -> list[str]:
    """The KIDs that a request names, each once, in its order. Raises NotPlayReady."""
    root = _parsed(challenge)
    wanted = root.findall(f"{_SOAP}Body/{_PROTOCOL}AcquireLicense")
    if root.tag != f"{_SOAP}Envelope" or len(wanted) != 1:
        raise NotPlayReady("The body is no AcquireLicense in SOAP: send the player's challenge as it is.")
    headers = list(wanted[0].iter(f"{_HEADER}WRMHEADER"))
    if not headers:
        raise NotPlayReady("The request has no WRMHEADER, so it names no keys.")
    said = [text for header in headers for text in _guids(header)]
    if not 1 <= len(said) <= MOST_KIDS:
        raise NotPlayReady(f"A WRMHEADER names 1 to {MOST_KIDS} KIDs.")
    return list(dict.fromkeys(_kid(text) for text in said))


def check_answer(answer: bytes) -> None:
    """Raises NotPlayReady unless it is a whole SOAP message that is no fault."""
    root = _parsed(answer)
    body = root.find(f"{_SOAP}Body")
    if root.tag != f"{_SOAP}Envelope" or body is None or len(body) != 1 or body[0].tag == f"{_SOAP}Fault":
        raise NotPlayReady("no answer to AcquireLicense")


def _parsed(raw: bytes) -> Any:
    try:
        root = parsed(raw, MOST_BYTES)
    except XmlRefused as error:
        raise NotPlayReady(str(error)) from None
    if sum(1 for _ in root.iter()) > MOST_ELEMENTS:
        raise NotPlayReady(f"The document has more than {MOST_ELEMENTS} elements.")
    return root


def _guids(header: Any) -> list[str]:
    """Of version 4.0 an element's text, of newer ones an attribute."""
    found = list(header.iter(f"{_HEADER}KID"))
    return [(each.get("VALUE") or each.text or "").strip() for each in found]


def _kid(text: str) -> str:
    try:
        guid = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        guid = b""
    if len(guid) != _GUID_BYTES:
        raise NotPlayReady("A KID of a WRMHEADER is a GUID of 16 bytes in base64.")
    return UUID(bytes_le=guid).hex
