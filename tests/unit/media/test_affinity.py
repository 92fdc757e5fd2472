"""Who encodes what: processes work in runs, the film's beginning never waits, films share the processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streams.media.affinity import FRONT, MOST_PASSED, OTHER, OWN, SHARED, Place, choose

WINDOW = 16


@dataclass
class Waiting:
    source_key: str
    chunk: int | None
    passed: int = 0


def chunks(*numbers: int, film: str = "a") -> list[Waiting]:
    return [Waiting(film, number) for number in numbers]


def busy(at: int | None, film: str = "a") -> Place:
    return Place(film, at, busy=True)


def idle(at: int | None, film: str = "a") -> Place:
    return Place(film, at, busy=False)


def test_a_process_goes_on_where_it_stands() -> None:
    assert choose(chunks(3, 4, 9, 5), idle(4), [busy(9)]) == (0, FRONT, None)  # a beginning that nobody owns
    assert choose(chunks(4, 9, 5), idle(4), [busy(9)]) == (0, OWN, None)
    assert choose(chunks(9, 6, 5), idle(4), [busy(9)]) == (2, OWN, None)  # over a gap: others have made 4


def test_a_process_without_a_place_begins_in_the_middle_of_the_longest_stretch() -> None:
    assert choose(chunks(*range(1, 16)), None, [busy(1)]) == (7, SHARED, None)
    assert choose(chunks(2, 3, *range(8, 16)), None, [busy(2), busy(8)]) == (6, SHARED, None)
    assert choose(chunks(5), None, [busy(5)]) == (0, SHARED, None)


def test_a_beginning_that_came_back_is_taken_by_the_next_who_is_free() -> None:
    assert choose(chunks(20, 21, 3), idle(20), [busy(28)]).job == 2


def test_a_film_without_a_process_waits_for_a_few_chunks_of_another_at_most() -> None:
    other = Waiting("b", 0)
    waiting = [*chunks(5, 6), other]
    for _ in range(MOST_PASSED):
        assert choose(waiting, idle(5), []) == (0, OWN, 2)
        other.passed += 1
    assert choose(waiting, idle(5), []) == (2, OTHER, None)
    # Not while another process is on it, and this one would be the only one here.
    assert choose(waiting, idle(5), [busy(1, "b")]) == (0, OWN, None)
    assert choose(waiting, idle(5), [busy(1, "b"), busy(9), busy(20)]).job == 2


def test_work_that_is_no_chunk_has_its_turn() -> None:
    sheets = Waiting("sheets", None)
    assert choose([sheets, *chunks(5)], idle(5), []) == (1, OWN, 0)
    sheets.passed = MOST_PASSED
    assert choose([sheets, *chunks(5)], idle(5), []).job == 0
    assert choose([sheets], None, [busy(2)]) == (0, OTHER, None)


class Floor:
    """Processes that take turns at films of so many chunks, `WINDOW` of each offered at a time."""

    def __init__(self, processes: int, films: dict[str, int]) -> None:
        self.left = {film: list(range(count)) for film, count in films.items()}
        self.places: list[Place | None] = [None] * processes
        self.waiting: list[Waiting] = []
        self.taken: list[Waiting] = []
        self.runs = 0
        for film in films:
            self.offer(film, WINDOW)

    def offer(self, film: str, count: int) -> None:
        coming, self.left[film] = self.left[film][:count], self.left[film][count:]
        self.waiting += chunks(*coming, film=film)

    def ends(self, process: int) -> None:
        """The process is done with its job, if it had one, and takes the next."""
        place = self.places[process]
        if place is not None and place.busy:
            self.offer(place.source_key, 1)
            self.places[process] = place = place._replace(busy=False)
        if not self.waiting:
            return
        others = [p for i, p in enumerate(self.places) if i != process and p is not None]
        choice = choose(self.waiting, place, others)
        if choice.passed is not None:
            self.waiting[choice.passed].passed += 1
        job = self.waiting.pop(choice.job)
        assert job.chunk is not None
        self.runs += place is None or (place.source_key, place.next_chunk) != (job.source_key, job.chunk)
        self.places[process] = busy(job.chunk + 1, job.source_key)
        self.taken.append(job)

    def finish(self) -> None:
        process = 0
        while self.waiting or any(self.left.values()):
            self.ends(process)
            process = (process + 1) % len(self.places)


def test_two_processes_on_one_film_work_in_runs() -> None:
    floor = Floor(2, {"a": 240})
    floor.finish()
    assert floor.runs <= 240 // 6


def test_two_films_on_two_processes_are_left_alone() -> None:
    floor = Floor(2, {"a": 60, "b": 60})
    floor.finish()
    assert floor.runs <= 4


@given(
    st.integers(1, 6),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 60), min_size=1),
    st.lists(st.integers(0, 5), max_size=300),
)
def test_every_chunk_is_taken_once_whatever_the_pace_of_each_process(
    processes: int, films: dict[str, int], order: list[int]
) -> None:
    floor = Floor(processes, films)
    for process in order:
        floor.ends(process % processes)
    floor.finish()
    assert Counter((w.source_key, w.chunk) for w in floor.taken) == {
        (film, n): 1 for film, count in films.items() for n in range(count)
    }
