"""The manifests of an asset's document, by the pure writers of `gateways.media.manifests`."""

from __future__ import annotations

from typing import Any

from schemas.media.views import AssetDocument


def hls_master_text(document: AssetDocument) -> str:
    """The multivariant playlist."""
    return _hls().master(document)  # type: ignore[no-any-return]


def hls_media_text(document: AssetDocument, rendition: str) -> str:
    """The media playlist of one rendition."""
    return _hls().media(document, rendition)  # type: ignore[no-any-return]


def dash_text(document: AssetDocument) -> str:
    """The MPD."""
    from gateways.media import manifests

    return manifests.dash.manifest(document)  # type: ignore


def _hls() -> Any:
    from gateways.media import manifests

    return manifests.hls  # type: ignore
