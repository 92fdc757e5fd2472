"""FFmpeg reads both formats over HTTP without a warning and decodes every picture of every rung."""

from __future__ import annotations

import pytest

from tests.judges import film as films
from tests.judges.conftest import Made
from tests.judges.faults import Fault, removed, shifted
from tests.judges.ffmpeg import decoded_frames, reading_problems
from tests.judges.site import serving

pytestmark = pytest.mark.judges

FORMATS = {"HLS": films.MASTER, "DASH": films.MANIFEST}
FAULTS: dict[str, Fault] = {
    "a segment is not there": removed(r".*/360p/3\.m4s"),
    "a segment one frame late": shifted(r".*/360p/3\.m4s", 1001),
}


@pytest.mark.parametrize("path", FORMATS.values(), ids=FORMATS.keys())
def test_it_is_read_without_a_word(any_film: Made, path: str) -> None:
    clip, film = any_film
    with serving(film.files) as site:
        assert [str(problem) for problem in reading_problems(f"{site.url}/{path}")] == []
        for rung in range(len(film.plan["renditions"])):
            assert decoded_frames(f"{site.url}/{path}", f"v:{rung}") == clip.frame_count
    assert site.missed == []


@pytest.mark.parametrize("path", FORMATS.values(), ids=FORMATS.keys())
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(ladder: Made, name: str, path: str) -> None:
    _, film = ladder
    with serving(FAULTS[name](film.files)) as site:
        assert reading_problems(f"{site.url}/{path}")
