"""What manifests say of a key, for each protection system: the box, the element of DASH, the line of HLS."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from schemas.drm import fairplay, playready, widevine
from schemas.drm.pssh import FAIRPLAY, PLAYREADY, WIDEVINE

METHODS: Final = {"cenc": "SAMPLE-AES-CTR", "cbcs": "SAMPLE-AES"}
"""Encryption scheme -> how playlists call it."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Of one key and system. `box` and `dash` (what stands inside ContentProtection) are empty where the
    system has none."""

    box: bytes
    dash: str
    hls_uri: str
    hls_key_format: str


def signals(system: str, kid: str, key: bytes, scheme: str, *, content_id: bytes = b"") -> Signals:
    """Of a system (its UUID, as `schemas.drm.pssh` has them). Raises KeyError for one that is unknown."""
    if system == WIDEVINE:
        box = widevine.pssh([kid], scheme, content_id=content_id)
        return Signals(box, dash_pssh(box), widevine.hls_uri(box), widevine.KEY_FORMAT)
    if system == PLAYREADY:
        pro = playready.object_of(playready.header({kid: key}, scheme))
        box = playready.pssh(pro)
        dash = f'{dash_pssh(box)}<pro xmlns="urn:microsoft:playready">{_base64(pro)}</pro>'
        return Signals(box, dash, playready.hls_uri(pro), playready.KEY_FORMAT)
    if system == FAIRPLAY:
        return Signals(b"", "", fairplay.hls_uri(kid), fairplay.KEY_FORMAT)
    raise KeyError(system)


def dash_pssh(box: bytes) -> str:
    """A box as it stands inside DASH's ContentProtection."""
    return f'<pssh xmlns="urn:mpeg:cenc:2013">{_base64(box)}</pssh>'


def hls_key(uri: str, key_format: str, scheme: str, *, session: bool = False) -> str:
    """A playlist's EXT-X-KEY, or with `session` the EXT-X-SESSION-KEY of a multivariant playlist."""
    tag = "EXT-X-SESSION-KEY" if session else "EXT-X-KEY"
    return f'#{tag}:METHOD={METHODS[scheme]},URI="{uri}",KEYFORMAT="{key_format}",KEYFORMATVERSIONS="1"'


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
