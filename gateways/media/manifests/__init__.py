"""Manifests, computed from an asset's document alone."""

from gateways.media.manifests import dash, hls

__all__ = ["dash", "hls"]
