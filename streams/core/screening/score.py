"""The spam score: a weighted sum of stated features, so that it can be explained feature by feature."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.chat.screening import FULL, Feature


def contributions(
    features: Mapping[Feature, float], weights: Mapping[Feature, float]
) -> dict[Feature, float]:
    """What each feature adds to the score; those that add nothing are left out."""
    return {
        feature: weights[feature] * min(value / FULL[feature], 1)
        for feature, value in features.items()
        if weights.get(feature)
    }


def score(added: Mapping[Feature, float]) -> float:
    """0 to 1, in thousandths: what stands on the log is the same on every machine."""
    return round(min(max(sum(added.values()), 0.0), 1.0), 3)
