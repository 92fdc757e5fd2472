"""The MPD is valid by ISO's XML schema."""

from __future__ import annotations

import pytest

from tests.judges import film as films
from tests.judges.conftest import Made
from tests.judges.faults import Fault, edited
from tests.judges.schema import schema_problems

pytestmark = pytest.mark.judges

MPD = r".*\.mpd"
FAULTS: dict[str, Fault] = {
    "no bandwidth": edited(MPD, r'\bbandwidth="\d+"', ""),
    "a misspelt attribute": edited(MPD, r"\bsegmentAlignment=", "segmentAlignement="),
    "a duration of another format": edited(MPD, r'minBufferTime="[^"]+"', 'minBufferTime="4 s"'),
    "an element out of its place": edited(MPD, r"<Period[^>]*>", r"\g<0><SegmentTimeline/>"),
}


def test_the_manifest_is_valid(any_film: Made) -> None:
    _, film = any_film
    problems = schema_problems(film.files[films.MANIFEST].decode(), films.MANIFEST)
    assert [str(problem) for problem in problems] == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(ladder: Made, name: str) -> None:
    _, film = ladder
    assert schema_problems(FAULTS[name](film.files)[films.MANIFEST].decode(), films.MANIFEST)
