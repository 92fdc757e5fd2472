"""What manifests say of a key, for each protection system: the box, the element of DASH, the line of HLS."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.drm import clearkey, fairplay, playready, widevine
from schemas.drm.pssh import CLEAR_KEY, FAIRPLAY, PLAYREADY, WIDEVINE, common

UUIDS: Final = {"clearkey": CLEAR_KEY, "widevine": WIDEVINE, "playready": PLAYREADY, "fairplay": FAIRPLAY}
"""A system, as a film's protection names it -> its UUID."""
METHODS: Final = {"cenc": "SAMPLE-AES-CTR", "cbcs": "SAMPLE-AES"}
"""Encryption scheme -> how playlists call it."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Of one key and system. `box`, `dash` (what stands inside ContentProtection) and `object` (PlayReady's)
    are empty where the system has none."""

    box: bytes
    dash: str
    hls_uri: str
    hls_key_format: str
    object: bytes = b""


def signals(system: str, kid: str, key: bytes, scheme: str, *, content_id: bytes = b"") -> Signals:
    """Of a system (its UUID, as `schemas.drm.pssh` has them). Raises KeyError for one that is unknown."""
    return film_signals(system, kid, {kid: key}, scheme, content_id=content_id)


def film_signals(
    system: str, kid: str, keys: Mapping[str, bytes | None], scheme: str, *, content_id: bytes = b""
) -> Signals:
    """Of one rendition, whose key is `kid`, where players ask once for all `keys` of the film.

    Keys are for checksums only and may be None. Raises KeyError for a system that is unknown.
    """
    if system == WIDEVINE:
        box = widevine.pssh(keys, scheme, content_id=content_id)
        return Signals(box, dash_pssh(box), widevine.hls_uri(box), widevine.KEY_FORMAT)
    if system == PLAYREADY:
        pro = playready.object_of(playready.header(keys, scheme))
        box = playready.pssh(pro)
        dash = f'{dash_pssh(box)}<pro xmlns="urn:microsoft:playready">{_base64(pro)}</pro>'
        return Signals(box, dash, playready.hls_uri(pro), playready.KEY_FORMAT, pro)
    if system == FAIRPLAY:
        return Signals(b"", "", fairplay.hls_uri(kid), fairplay.KEY_FORMAT)
    if system == CLEAR_KEY:
        box = common(keys)
        return Signals(box, dash_pssh(box), clearkey.hls_uri(kid), clearkey.KEY_FORMAT)
    raise KeyError(system)


def dash_pssh(box: bytes) -> str:
    """A box as it stands inside DASH's ContentProtection."""
    return f'<pssh xmlns="urn:mpeg:cenc:2013">{_base64(box)}</pssh>'


def hls_key(uri: str, key_format: str, scheme: str, *, session: bool = False, kid: str = "") -> str:
    """A playlist's EXT-X-KEY, or with `session` the EXT-X-SESSION-KEY of a multivariant playlist.

    `kid` tells players which of the keys that Widevine's URI names is this playlist's, as its packagers do.
    """
    tag = "EXT-X-SESSION-KEY" if session else "EXT-X-KEY"
    said = f'#{tag}:METHOD={METHODS[scheme]},URI="{uri}",KEYFORMAT="{key_format}",KEYFORMATVERSIONS="1"'
    return f"{said},KEYID=0x{kid}" if kid else said


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
