"""Choosing the frame rate of the grid from what a file says and what its packets do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

USUAL_RATES: tuple[Fraction, ...] = tuple(
    Fraction(rate)
    for rate in (
        *(5, 6, 8, 10, 12, "25/2", 15, 18, 20),
        *("24000/1001", 24, 25, "30000/1001", 30, "48000/1001", 48, 50, "60000/1001", 60),
    )
)
FASTEST = Fraction(60)
SLOWEST = Fraction(1)
ROUNDING_S = Fraction(11, 10_000)  # Matroska and FLV round times to a millisecond
SAME_RATE = Fraction(1, 2500)  # 24 and 24000/1001 differ by 1/1000
LIKE_A_USUAL_RATE = Fraction(3, 100)


def grid_rate(times_s: Sequence[Fraction], declared: Sequence[Fraction | None]) -> Fraction:
    """The output rate for pictures shown at these times (a sample, ascending) of a source that declares
    these rates, likeliest first. Constant-rate sources keep their rate exactly; variable ones get a usual
    rate that loses no motion. Never above 60 nor below 1."""
    steps = [b - a for a, b in pairwise(times_s) if b > a]
    usable = [rate for rate in declared if rate is not None and 0 < rate <= 1000]
    for rate in usable:
        if steps and all(abs(step - 1 / rate) <= ROUNDING_S for step in steps) and _no_drift(times_s, rate):
            return _bounded(_tidy(rate))
    if steps:
        return _bounded(_near_usual(1 / _usual_step(steps)))
    return _bounded(_tidy(usable[0])) if usable else Fraction(25)


def _usual_step(steps: Sequence[Fraction]) -> Fraction:
    """The mean step, pauses left out: jitter cancels, and a screen at rest says nothing of its motion."""
    longest = 2 * median_low(steps)
    moving = [step for step in steps if step <= longest]
    return sum(moving, Fraction(0)) / len(moving)


def _no_drift(times_s: Sequence[Fraction], rate: Fraction) -> bool:
    """Do rounded times still end where the rate says, rather than creep away?"""
    return abs((times_s[-1] - times_s[0]) - (len(times_s) - 1) / rate) <= 2 * ROUNDING_S


def _tidy(rate: Fraction) -> Fraction:
    """A usual rate where it is one but for rounding (2997/100), else a fraction with small terms."""
    for usual in USUAL_RATES:
        if abs(rate - usual) <= usual * SAME_RATE:
            return usual
    return _small(rate)


def _small(rate: Fraction) -> Fraction:
    return max(rate.limit_denominator(1001), Fraction(1, 1001))


def _near_usual(rate: Fraction) -> Fraction:
    nearest = min(USUAL_RATES, key=lambda usual: abs(usual - rate))
    if abs(nearest - rate) <= rate * LIKE_A_USUAL_RATE:
        return nearest
    faster = [usual for usual in USUAL_RATES if usual >= rate]
    return faster[0] if faster else _small(rate)


def _bounded(rate: Fraction) -> Fraction:
    """Every k-th picture of a faster source, each picture k times of a slower one."""
    if rate > FASTEST:
        rate = rate / -(-rate // FASTEST)
    if rate < SLOWEST:
        rate = rate * -(-SLOWEST // rate)
    return rate
