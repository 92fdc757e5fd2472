"""A protected film keeps every rule, in the manifests of vendors' systems and in those of Clear Key."""

from __future__ import annotations

import pytest

from tests.judges import film as films
from tests.judges.authoring import authoring_problems
from tests.judges.bandwidth import bandwidth_problems
from tests.judges.film import Film
from tests.judges.report import measure
from tests.judges.schema import schema_problems
from tests.judges.site import serving
from tests.judges.timing import timing_problems

SIDES = [(films.MASTER, films.MANIFEST), (films.CLEAR_MASTER, films.CLEAR_MANIFEST)]


@pytest.mark.parametrize(("master", "manifest"), SIDES, ids=["vendors", "clearkey"])
def test_a_protected_film_keeps_every_rule(protected_film: Film, master: str, manifest: str) -> None:
    with serving(protected_film.files) as site:
        report = measure(f"{site.url}/{master}", f"{site.url}/{manifest}")
        assert site.missed == []
    problems = [*timing_problems(report), *bandwidth_problems(report), *authoring_problems(report)]
    assert [str(problem) for problem in problems] == []
    for presentation in report.presentations:
        assert len(presentation.of_kind("video")) == len(protected_film.plan["renditions"]) > 1
        assert len(presentation.of_kind("audio")) == 1


@pytest.mark.judges
@pytest.mark.parametrize("manifest", [manifest for _, manifest in SIDES], ids=["vendors", "clearkey"])
def test_its_manifests_are_valid(protected_film: Film, manifest: str) -> None:
    problems = schema_problems(protected_film.files[manifest].decode(), manifest)
    assert [str(problem) for problem in problems] == []
