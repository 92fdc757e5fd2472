"""What a domain sees of the engine: the shapes of its functions, and the decorators that name them.

    @decider("media.asset")       (state | None, event) -> (state | None, [Out])        pure
    @projector("media.library")   (state | None, event) -> (state | None, [Op])         pure, Redis
    @projector("log.x")           (event) -> [row]                                      pure, ClickHouse
    @worker("media.encode", ...)  async (event, work) -> [Out]                          long or outside work

States are plain JSON values under the event's key; a state of None deletes it. Pure functions read nothing
but their arguments and must not change them. One function may carry several decorators.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from schemas.wiring import MARK
from streams.core.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
WORKER_OPTIONS = "__kinolog_workers__"  # worker's name -> WorkerOptions
TABLES = "__kinolog_tables__"  # projector's name -> DDL of its ClickHouse table
TYPES = "__kinolog_types__"  # full names of the events that a ClickHouse projector makes rows of

State = dict[str, Any]


class Out(NamedTuple):
    """An event to emit. Its id, time, cause and trace follow from the event that led to it."""

    topic: str
    key: str
    type: str
    data: dict[str, Any]


class Refuse(Exception):  # reads as the sentence it is: raise Refuse(...)
    """A decider's no to a request: nothing changes, and the asker is told.

    `code` is stable and snake_case (1..60 characters), `detail` a sentence that says what to do.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code[:60]
        self.detail = detail[:500]


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker runs. `slots` may be read from the settings, for example one per processor."""

    setup: Callable[[Settings], AbstractAsyncContextManager[Any]] | None = None
    slots: int | Callable[[Settings], int] = 1
    urgent_slots: int = 0
    wanted: Callable[..., Awaitable[bool]] | None = None
    attempts: int = 5


def _mark(function: F, kind: str, name: str) -> F:
    setattr(function, MARK, (*getattr(function, MARK, ()), (kind, name)))
    return function


def decider(name: str) -> Callable[[F], F]:
    """Name the function that decides the requests of agent `name` of the map."""
    return lambda function: _mark(function, "decider", name)


def projector(name: str, *, ddl: str = "", types: Iterable[str] = ()) -> Callable[[F], F]:
    """Name the function that folds the events of agent `name` into its view.

    `ddl` of a ClickHouse projector: `CREATE TABLE IF NOT EXISTS {table} ...`, run when the agent starts;
    `types`: the events that it makes rows of, if not of all; the others are passed over undecoded.
    """

    def mark(function: F) -> F:
        if types:
            setattr(function, TYPES, frozenset(types))
        if ddl:
            setattr(function, TABLES, {**getattr(function, TABLES, {}), name: ddl})
        return _mark(function, "projector", name)

    return mark


def timer(name: str) -> Callable[[F], F]:
    """Name the engine's own timer agent."""
    return lambda function: _mark(function, "timer", name)


def worker(
    name: str,
    *,
    setup: Callable[[Settings], AbstractAsyncContextManager[Any]] | None = None,
    slots: int | Callable[[Settings], int] = 1,
    urgent_slots: int = 0,
    wanted: Callable[..., Awaitable[bool]] | None = None,
    attempts: int = 5,
) -> Callable[[F], F]:
    """Name the function that does the work of agent `name`.

    `setup(settings)` is an async context manager whose value is `work.resources`, entered before the
    first event. `slots`: how many events at once; `urgent_slots`: beside these, only for events of
    priority 0, so that they never wait for long ones. `wanted(event, work)` is asked at each renewal of the
    lease; False drops the work without a report. `attempts` before an event is dead-lettered.
    """

    def mark(function: F) -> F:
        options = dict(getattr(function, WORKER_OPTIONS, {}))
        options[name] = WorkerOptions(setup, slots, urgent_slots, wanted, attempts)
        setattr(function, WORKER_OPTIONS, options)
        return _mark(function, "worker", name)

    return mark
