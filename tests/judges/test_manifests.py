"""What is served keeps the rules of time, of rate and of authoring, in HLS and DASH alike."""

from __future__ import annotations

from tests.judges import film as films
from tests.judges.authoring import authoring_problems
from tests.judges.bandwidth import bandwidth_problems
from tests.judges.conftest import Made
from tests.judges.report import Problem, Report, measure
from tests.judges.site import Files, serving
from tests.judges.timing import timing_problems


def judged(files: Files, *, dash: bool = True) -> tuple[Report, list[Problem]]:
    with serving(files) as site:
        manifest = f"{site.url}/{films.MANIFEST}" if dash else None
        report = measure(f"{site.url}/{films.MASTER}", manifest)
    return report, [*timing_problems(report), *bandwidth_problems(report), *authoring_problems(report)]


def test_a_finished_film_keeps_every_rule(any_film: Made) -> None:
    clip, film = any_film
    report, problems = judged(film.files)
    assert [str(problem) for problem in problems] == []
    for presentation in report.presentations:
        videos, sounds = presentation.of_kind("video"), presentation.of_kind("audio")
        assert len(videos) == len(film.plan["renditions"])
        assert len(sounds) == int(clip.has_audio)
        for rendition in [*videos, *sounds]:
            assert len(rendition.segments) == film.plan["segment_count"]
        for video in videos:
            assert sum(segment.sample_count for segment in video.segments) == clip.frame_count


def test_a_growing_film_keeps_every_rule_that_it_can(ladder: Made) -> None:
    _, film = ladder
    report, problems = judged(film.growing, dash=False)
    assert [str(problem) for problem in problems] == []
    assert report.hls is not None
    for rendition in report.hls.renditions:
        assert not rendition.ended
        assert 0 < len(rendition.segments) < film.plan["segment_count"]


def test_a_growing_film_only_ever_gets_longer(ladder: Made) -> None:
    """What a player has seen of a playlist stays as it was: the finished one begins with the growing one."""
    _, film = ladder
    (before, _), (after, _) = judged(film.growing, dash=False), judged(film.files, dash=False)
    assert before.hls is not None
    assert after.hls is not None
    for young, old in zip(before.hls.renditions, after.hls.renditions, strict=True):
        seen = [(s.url.rpartition("/v1")[2], s.declared_duration_s) for s in young.segments]
        grown = [(s.url.rpartition("/v1")[2], s.declared_duration_s) for s in old.segments]
        assert grown[: len(seen)] == seen
        assert young.target_duration_s == old.target_duration_s
