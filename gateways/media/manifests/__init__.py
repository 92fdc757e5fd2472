"""Manifests, computed from an asset's document alone."""
