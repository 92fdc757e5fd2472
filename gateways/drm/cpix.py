"""CPIX 2.3 as SPEKE 2.0 uses it: a packager's document with keys asked for is read, checked and filled.

A document comes from outside: it may hold no document type (so no entities), is read as UTF-8 without the
network, and is bounded in size and in what it lists. Its elements and attributes come back unchanged.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from schemas.drm.pssh import FAIRPLAY, PLAYREADY, WIDEVINE
from schemas.drm.signalling import Signals, hls_key, signals
from schemas.drm.xml import XmlRefused, parsed
from schemas.media.protection import SCHEMES, Scheme

VERSION: Final = "2.3"
MOST_BYTES: Final = 256 * 1024
MOST_KEYS: Final = 64
MOST_SYSTEMS: Final = 256
MOST_CONTENT_ID: Final = 256
SYSTEMS: Final = {WIDEVINE: "Widevine", PLAYREADY: "PlayReady", FAIRPLAY: "FairPlay"}

_CPIX: Final = "{urn:dashif:org:cpix}"
_PSKC: Final = "{urn:ietf:params:xml:ns:keyprov:pskc}"
_LISTS: Final = {
    "ContentKeyList": "ContentKey",
    "DRMSystemList": "DRMSystem",
    "ContentKeyUsageRuleList": "ContentKeyUsageRule",
}
_PLAYLISTS: Final = ("media", "master")


class CpixError(ValueError):
    """A document that is refused; the message is a sentence that names what is wrong, never its content."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A document that was read: what it wants keys for. All its keys have one `scheme`."""

    content_id: str
    scheme: Scheme
    kids: tuple[str, ...]
    document: Any


def read(raw: bytes) -> Asked:
    """The document of a request. Raises CpixError."""
    try:
        root = parsed(raw, MOST_BYTES)
    except XmlRefused as error:
        raise CpixError(str(error)) from None
    if root.tag != f"{_CPIX}CPIX":
        raise CpixError("The document's root must be CPIX of the name space urn:dashif:org:cpix.")
    if root.get("version") != VERSION:
        raise CpixError(f"CPIX@version must be {VERSION}.")
    content_id = root.get("contentId") or ""
    if not content_id.strip() or len(content_id) > MOST_CONTENT_ID or not content_id.isprintable():
        raise CpixError(f"CPIX@contentId must have 1 to {MOST_CONTENT_ID} printable characters.")
    if root.find(f"{_CPIX}DeliveryDataList") is not None:
        raise CpixError(
            "DeliveryDataList: keys are not encrypted for a recipient here; leave it out and rely on TLS."
        )
    keys, systems, rules = (_listed(root, name) for name in _LISTS)
    if len(keys) > MOST_KEYS or len(systems) > MOST_SYSTEMS or len(rules) > MOST_KEYS:
        raise CpixError(f"At most {MOST_KEYS} keys and {MOST_SYSTEMS} DRMSystems can be asked for at once.")
    kids, scheme = _keys(keys)
    _check_systems(systems, kids, scheme)
    _check_rules(rules, kids)
    return Asked(content_id, scheme, tuple(kids), root)


def fill(asked: Asked, keys: Mapping[str, bytes]) -> bytes:
    """The answer: the document with the keys (KID -> 16 bytes) and the signalling that it left room for."""
    root = asked.document
    for element in root.iter(f"{_CPIX}ContentKey"):
        kid = _kid(element)
        for before in element.findall(f"{_CPIX}Data"):
            element.remove(before)
        data = etree.SubElement(element, f"{_CPIX}Data")
        secret = etree.SubElement(data, f"{_PSKC}Secret", nsmap={"pskc": _PSKC.strip("{}")})
        etree.SubElement(secret, f"{_PSKC}PlainValue").text = _base64(keys[kid])
        if asked.scheme == "cbcs" and element.get("explicitIV") is None:
            element.set("explicitIV", _base64(initialisation_vector(asked.content_id, kid)))
    for element in root.iter(f"{_CPIX}DRMSystem"):
        kid, system = _kid(element), element.get("systemId").lower()
        said = signals(system, kid, keys[kid], asked.scheme, content_id=asked.content_id.encode())
        _signal(element, said, asked.scheme)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def initialisation_vector(content_id: str, kid: str) -> bytes:
    """The constant vector of a `cbcs` key: no secret, and the same whenever it is asked for."""
    return hashlib.sha256(f"iv|{content_id}|{kid}".encode()).digest()[:16]


def _listed(root: Any, name: str) -> list[Any]:
    lists = root.findall(_CPIX + name)
    found = [] if len(lists) != 1 else lists[0].findall(_CPIX + _LISTS[name])
    if not found:
        raise CpixError(f"There must be one {name}, with a {_LISTS[name]} or more.")
    if len(found) != len(list(root.iter(_CPIX + _LISTS[name]))):
        raise CpixError(f"Every {_LISTS[name]} stands in the one {name}.")
    return list(found)


def _keys(elements: Sequence[Any]) -> tuple[list[str], Scheme]:
    kids = [_kid(element) for element in elements]
    if len(set(kids)) < len(kids):
        raise CpixError("Two ContentKeys have the same @kid.")
    schemes = {element.get("commonEncryptionScheme") for element in elements}
    if len(schemes) > 1:
        raise CpixError("All ContentKeys of a document have one @commonEncryptionScheme.")
    [scheme] = schemes
    for known in SCHEMES:
        if scheme == known:
            return kids, known
    raise CpixError(f"ContentKey@commonEncryptionScheme must be one of {', '.join(SCHEMES)}.")


def _check_systems(elements: Sequence[Any], kids: Sequence[str], scheme: str) -> None:
    seen: set[tuple[str, str]] = set()
    for element in elements:
        kid, system = _known(element, kids), (element.get("systemId") or "").lower()
        if system not in SYSTEMS:
            known = ", ".join(f"{id} ({name})" for id, name in SYSTEMS.items())
            raise CpixError(f"DRMSystem@systemId must be one of {known}.")
        if system == FAIRPLAY and scheme != "cbcs":
            raise CpixError("FairPlay takes the encryption scheme cbcs only.")
        if (kid, system) in seen:
            raise CpixError("Two DRMSystems have the same @kid and @systemId.")
        seen.add((kid, system))
        playlists = [each.get("playlist", "media") for each in element.findall(f"{_CPIX}HLSSignalingData")]
        if any(one not in _PLAYLISTS for one in playlists) or len(set(playlists)) < len(playlists):
            raise CpixError("HLSSignalingData@playlist must be media or master, each once.")


def _check_rules(elements: Sequence[Any], kids: Sequence[str]) -> None:
    tracks = []
    for element in elements:
        _known(element, kids)
        tracks.append(element.get("intendedTrackType") or "")
        if not tracks[-1].strip():
            raise CpixError("Every ContentKeyUsageRule needs @intendedTrackType.")
        if all(element.find(f"{_CPIX}{kind}Filter") is None for kind in ("Video", "Audio")):
            raise CpixError("Every ContentKeyUsageRule needs a VideoFilter or an AudioFilter.")
    if "ALL" in tracks and len(tracks) > 1:
        raise CpixError("A rule for ALL tracks stands alone.")


def _known(element: Any, kids: Sequence[str]) -> str:
    kid = _kid(element)
    if kid not in kids:
        raise CpixError(f"A {_name(element)}@kid names no ContentKey of the document.")
    return kid


def _kid(element: Any) -> str:
    text = element.get("kid") or ""
    try:
        found = uuid.UUID(text)
    except ValueError:
        found = None
    # uuid.UUID also takes braces and urn:uuid:, which are no UUIDs of an XML document.
    if found is None or text.lower() not in (str(found), found.hex):
        raise CpixError(f"Every {_name(element)} needs @kid, a UUID.")
    return found.hex


def _signal(element: Any, said: Signals, scheme: str) -> None:
    for child in list(element):
        value = _value(child, said, scheme)
        if value is None:
            element.remove(child)
        else:
            child.text = value


def _value(child: Any, said: Signals, scheme: str) -> str | None:
    """What stands in a child of DRMSystem, in base64; None where the system has no such thing."""
    name = _name(child)
    if name == "PSSH":
        return _base64(said.box) if said.box else None
    if name == "ContentProtectionData":
        return _base64(said.dash.encode()) if said.dash else None
    if name == "HLSSignalingData":
        session = child.get("playlist") == "master"
        return _base64(hls_key(said.hls_uri, said.hls_key_format, scheme, session=session).encode())
    return None


def _name(element: Any) -> str:
    return str(etree.QName(element).localname)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
