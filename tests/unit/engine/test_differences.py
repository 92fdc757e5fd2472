"""What a person sees of two values that differ."""

from __future__ import annotations

import pytest

from streams.engine.differences import SAMPLE, Differences, explained


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"state": "ready", "n": 1}, {"state": "failed", "n": 1}, 'state: "ready" -> "failed"'),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3, 4]}}, "a.b[1]: 2 -> 3; a.b[2]: (nothing) -> 4"),
        ({"a": None}, {}, "a: null -> (nothing)"),
        (None, {"a": 1}, 'only in the new version: {"a":1}'),
        ([1], None, "not in the new version: [1]"),
        (3, 4.5, "3 -> 4.5"),
        (1, 1.0, "1 -> 1.0"),
        (False, 0, "false -> 0"),
        ({"a": 1}, [1], '{"a":1} -> [1]'),
    ],
)
def test_places_that_changed(before: object, after: object, said: str) -> None:
    assert explained(before, after) == said


def test_what_is_said_is_bounded() -> None:
    many = explained({f"k{n}": n for n in range(1000)}, {f"k{n}": "x" * 1000 for n in range(1000)})
    assert many.endswith("; ...")
    assert len(many) < 1000
    found = Differences()
    for n in range(1000):
        found.add(f"k{n}", n, n + 1)
    assert (found.count, len(found.sample)) == (1000, SAMPLE)
