"""Which waiting job an idle encoder process takes: films in runs, so that little is decoded twice. Pure.

A process keeps its decoder open, so going on where it stands costs no seek and no picture of another's
chunk. Each process owns what waits between where it stands and where the next one stands. One that owns
nothing takes the film's beginning if nobody owns that (players wait for it), else the second half of the
longest stretch of another: two processes on one film then work in two runs that meet.

Films share the processes evenly; a process changes films only when one has too few of them for a while.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple, Protocol

MOST_PASSED: Final = 4  # jobs that may be preferred to one of a film with too few processes

OWN, FRONT, SHARED, OTHER = range(4)  # how well a choice suits a process, best first


class Wish(Protocol):
    """A waiting job."""

    @property
    def source_key(self) -> str: ...

    @property
    def chunk(self) -> int | None:
        """The chunk to encode; None for a job of another kind."""
        ...

    @property
    def passed(self) -> int:
        """How often another job was preferred while too few processes were on this one's film."""
        ...


class Place(NamedTuple):
    """What a process works on or has open. `next_chunk`: where its decoder stands, or will after the chunk
    in hand; None: nowhere."""

    source_key: str
    next_chunk: int | None
    busy: bool


class Choice(NamedTuple):
    """`job`: index of the chosen one. `rank`: how well it suits. `passed`: index of the job of a film with
    too few processes that has to wait for it, if one has."""

    job: int
    rank: int
    passed: int | None = None


def choose(waiting: Sequence[Wish], mine: Place | None, others: Sequence[Place]) -> Choice:
    """The job of `waiting` (not empty, oldest first, of one priority) for a process that stands at `mine`."""
    working = Counter(place.source_key for place in others if place.busy)
    here = mine.source_key if mine is not None else ""
    stays = any(wish.source_key == here and wish.chunk is not None for wish in waiting)
    neglected = [
        index
        for index, wish in enumerate(waiting)
        if wish.source_key != here and working[wish.source_key] < max(1, working[here])
    ]
    if stays and (not neglected or waiting[neglected[0]].passed < MOST_PASSED):
        index, rank = _of_film(waiting, here, mine, others)
        return Choice(index, rank, neglected[0] if neglected else None)
    oldest = min(range(len(waiting)), key=lambda index: working[waiting[index].source_key])
    first = neglected[0] if stays else oldest
    if waiting[first].chunk is None:
        return Choice(first, OTHER)
    index, rank = _of_film(waiting, waiting[first].source_key, None, others)
    return Choice(index, max(rank, OTHER if stays else rank))


def _of_film(
    waiting: Sequence[Wish], film: str, mine: Place | None, others: Sequence[Place]
) -> tuple[int, int]:
    """(index, rank) of the film's chunk that suits best; at least one waits."""
    chunks = sorted(
        (wish.chunk, index)
        for index, wish in enumerate(waiting)
        if wish.source_key == film and wish.chunk is not None
    )
    stands = mine.next_chunk if mine is not None else None
    places = {p.next_chunk for p in others if p.source_key == film and p.next_chunk is not None}
    owned = sorted({*places, stands} - {None}, key=lambda at: at or 0)

    def owner(entry: tuple[int, int]) -> int:
        return max((at for at in owned if at is not None and at <= entry[0]), default=-1)

    stretches = {at: [index for _, index in stretch] for at, stretch in groupby(chunks, owner)}
    if -1 in stretches:
        return stretches[-1][0], FRONT
    if stands in stretches:
        return stretches[stands][0], OWN
    longest = max(stretches.values(), key=len)
    return longest[len(longest) // 2], SHARED
