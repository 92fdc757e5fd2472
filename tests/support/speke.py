"""Requests of packagers as SPEKE has them, and what stands in the answers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from xml.etree import ElementTree

from schemas.drm.pssh import FAIRPLAY, WIDEVINE

NAMES = {"c": "urn:dashif:org:cpix", "p": "urn:ietf:params:xml:ns:keyprov:pskc"}
A, B = "0f083e4e-b831-4a3d-917e-ce78076e54aa", "041fdd3a-7f5e-4848-a7cb-65e97758e9a0"


def kid_of(number: int) -> str:
    return [A, B, *(f"00000000-0000-4000-8000-{n:012x}" for n in range(8))][number]


def asking(
    tracks: Sequence[str] = ("VIDEO", "AUDIO"),
    systems: tuple[str, ...] = (WIDEVINE,),
    scheme: str = "cenc",
    content: str = "a film",
    period: bool = False,
) -> str:
    """A request as packagers send it."""
    kids = [kid_of(n) for n in range(len(tracks))]
    keys = "".join(f'<c:ContentKey kid="{kid}" commonEncryptionScheme="{scheme}"/>' for kid in kids)
    signs = "".join(
        f'<c:DRMSystem kid="{kid}" systemId="{system}"><c:PSSH/>'
        + ("" if system == FAIRPLAY else "<c:ContentProtectionData/>")
        + '<c:HLSSignalingData playlist="media"/><c:HLSSignalingData playlist="master"/></c:DRMSystem>'
        for system in systems
        for kid in kids
    )
    periods = '<c:ContentKeyPeriodList><c:ContentKeyPeriod id="p" index="0"/></c:ContentKeyPeriodList>'
    rules = "".join(
        f'<c:ContentKeyUsageRule kid="{kid}" intendedTrackType="{track}">'
        + ('<c:KeyPeriodFilter periodId="p"/>' if period else "")
        + f"<c:{'Audio' if 'AUDIO' in track else 'Video'}Filter/></c:ContentKeyUsageRule>"
        for kid, track in zip(kids, tracks, strict=True)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><c:CPIX xmlns:c="urn:dashif:org:cpix" contentId="{content}" '
        f'version="2.3"><c:ContentKeyList>{keys}</c:ContentKeyList><c:DRMSystemList>{signs}</c:DRMSystemList>'
        f"{periods if period else ''}<c:ContentKeyUsageRuleList>{rules}</c:ContentKeyUsageRuleList></c:CPIX>"
    )


def keys_in(document: ElementTree.Element) -> dict[str, bytes]:
    return {
        key.attrib["kid"]: base64.b64decode(key.findtext("c:Data/p:Secret/p:PlainValue", "", NAMES))
        for key in document.iterfind("c:ContentKeyList/c:ContentKey", NAMES)
    }
