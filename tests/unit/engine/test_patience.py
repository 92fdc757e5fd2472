"""Only what passes is waited for: a bug must end the process, not hang it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from redis._parsers.base import BaseParser
from redis.exceptions import ConnectionError, ResponseError

from streams.engine.patience import patiently

CLOSED = "unable to perform operation on <TCPTransport closed=True reading=False>; the handler is closed"
IN_THE_CLIENT: dict[str, Any] = {"__name__": "redis.asyncio.connection"}
exec("def greet(writer):\n    return writer.write(b'HELLO')", IN_THE_CLIENT)  # noqa: S102  # as redis-py is


def closed_writer() -> Any:
    return IN_THE_CLIENT["greet"](None)


def own_bug_on_none() -> Any:
    nothing: Any = None
    return nothing.write(b"HELLO")


def own_bug_on_a_client() -> Any:
    return object().hgett("key")  # type: ignore[attr-defined]


def failing(error: Exception) -> Callable[[], Any]:
    def call() -> Any:
        raise error

    return call


def once(call: Callable[[], Any]) -> tuple[Callable[[], Awaitable[str]], list[int]]:
    """A call that fails the first time, and the list of its tries."""
    tries: list[int] = []
    failures: Iterator[Callable[[], Any]] = iter([call])

    async def attempt() -> str:
        tries.append(1)
        for failure in failures:
            failure()
        return "answer"

    return attempt, tries


@pytest.mark.parametrize(
    "failure",
    [
        failing(ConnectionError("Connection reset by peer")),
        failing(OSError(111, "refused")),
        failing(ResponseError("LOADING Redis is loading the dataset in memory")),
        failing(RuntimeError(CLOSED)),
        closed_writer,
    ],
)
async def test_a_server_that_is_away_is_waited_for(failure: Callable[[], Any]) -> None:
    call, tries = once(failure)
    assert await patiently("test", call) == "answer"
    assert len(tries) == 2


@pytest.mark.parametrize(
    "reply",
    [
        "LOADING Redis is loading the dataset in memory",
        "MISCONF Errors writing to the AOF file: No space left on device",
        "MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "NOREPLICAS Not enough good replicas to write.",
        "BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "CLUSTERDOWN The cluster is down",
        "TRYAGAIN Multiple keys request during rehashing of slot",
    ],
)
@pytest.mark.parametrize("preface", ["", "Command # 1 (HSET a b c) of pipeline caused error: "])
async def test_a_server_that_will_take_it_later_is_waited_for(reply: str, preface: str) -> None:
    as_raised = BaseParser.parse_error(reply)  # type: ignore[no-untyped-call]
    call, tries = once(failing(ResponseError(preface + reply) if preface else as_raised))
    assert await patiently("test", call) == "answer"
    assert len(tries) == 2


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (failing(RuntimeError("dictionary changed size during iteration")), RuntimeError),
        (failing(RecursionError("maximum recursion depth exceeded")), RecursionError),
        (failing(NotImplementedError("handler is closed")), NotImplementedError),
        (failing(ResponseError("WRONGTYPE Operation against a key")), ResponseError),
        (failing(ResponseError("BUSYKEY Target key name already exists.")), ResponseError),
        (failing(ResponseError("user_script: MISCONF is not a command")), ResponseError),
        (own_bug_on_none, AttributeError),
        (own_bug_on_a_client, AttributeError),
    ],
)
async def test_a_bug_is_raised_at_once(failure: Callable[[], Any], kind: type[Exception]) -> None:
    call, tries = once(failure)
    with pytest.raises(kind):
        await patiently("test", call)
    assert len(tries) == 1
