"""The limit that follows latency, under a clock of its own, and what is refused first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from gateways.core import adaptive, app
from gateways.core.adaptive import LEAST, START, WELL_S, Load, Priority, Ticket
from gateways.core.app import Service, create_app
from gateways.core.deps import CoreDeps
from gateways.core.permissions import PUBLIC
from gateways.core.routes import Route
from gateways.core.sse import EventStream
from tests.unit.gateways.conftest import Serve


def enter(load: Load, name: str, priority: Priority) -> Ticket | None:
    ticket = load.enter(priority)
    if ticket is not None:
        ticket.name = name
    return ticket


class Machine:
    """Requests that take as long as a machine with so much room needs: more at once, more time."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.load = Load("chat", clock=lambda: self.now_s)

    def rounds(self, number: int, at_once: int, latency_s: float) -> int:
        """`number` times `at_once` requests together; how many were refused."""
        refused = 0
        for _ in range(number):
            tickets: list[Ticket] = []
            for _ in range(at_once):
                ticket = enter(self.load, "GET /x", Priority.PLAYBACK)
                if ticket is None:
                    refused += 1
                else:
                    tickets.append(ticket)
            self.now_s += latency_s
            for ticket in tickets:
                ticket.leave(measured=True)
        return refused


def test_the_limit_falls_when_answers_take_longer_and_comes_back() -> None:
    machine = Machine()
    machine.rounds(50, 5, 0.01)  # quiet
    assert machine.load.limit == START
    assert machine.rounds(100, 600, 0.5) > 0
    assert machine.load.limit < START / 4
    machine.rounds(1000, 5, 0.01)
    assert machine.load.limit == pytest.approx(START)


def test_a_mix_of_quick_and_slow_routes_is_no_overload() -> None:
    machine = Machine()
    for number in range(200):
        name, latency_s = ("quick", 0.001) if number % 2 else ("slow", 1.0)
        tickets = [enter(machine.load, name, Priority.ORDINARY) for _ in range(300)]
        machine.now_s += latency_s
        for ticket in tickets:
            assert ticket is not None
            ticket.leave(measured=True)
    assert machine.load.limit >= START


def test_the_limit_never_falls_below_the_least() -> None:
    machine = Machine()
    machine.rounds(20, 5, 0.001)
    machine.rounds(300, 600, 5.0)
    assert LEAST <= machine.load.limit <= LEAST * 2


def test_a_wait_that_nobody_notices_is_no_overload() -> None:
    machine = Machine()
    machine.rounds(50, 5, 0.0005)
    assert machine.rounds(200, 300, WELL_S * 0.9) == 0
    assert machine.load.limit >= START


def fill(load: Load, priority: Priority) -> int:
    """Enter until there is no room; how many got in."""
    before = load.in_flight
    while load.enter(priority) is not None:
        pass
    return load.in_flight - before


def test_the_least_important_is_refused_first_and_health_never() -> None:
    load, admitted = Load("chat"), dict.fromkeys(Priority, 0)
    for priority in (Priority.BEAT, Priority.ORDINARY, Priority.LICENCE, Priority.PLAYBACK):
        admitted[priority] = fill(load, priority)
        assert load.enter(priority) is None
    assert [admitted[priority] for priority in Priority] == [256, 154, 51, 51, 0]


def test_a_ticket_counts_once() -> None:
    load = Load("chat")
    ticket = enter(load, "GET /x", Priority.ORDINARY)
    assert ticket is not None
    ticket.leave(measured=False)
    ticket.leave(measured=True)
    assert load.in_flight == 0


class Doors:
    """Handlers that wait, to fill a service up."""

    def __init__(self) -> None:
        self.waiting = asyncio.Semaphore(0)
        self.open = asyncio.Event()

    async def wait(self, _: web.Request) -> web.Response:
        self.waiting.release()
        await self.open.wait()
        return web.Response()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        async with EventStream(request) as stream:
            await self.open.wait()
        return stream.response


def route(path: str, handler: Any, priority: Priority = Priority.ORDINARY, **more: Any) -> Route:
    return Route(
        method="GET", path=path, handler=handler, permission=PUBLIC, summary=path, priority=priority, **more
    )


async def test_a_full_service_answers_503_but_for_what_matters_more(
    core: CoreDeps, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Load] = []
    monkeypatch.setattr(adaptive, "START", 10.0)
    monkeypatch.setattr(adaptive, "WINDOW_SAMPLES", 1000)  # it stays there, however slow this machine is
    monkeypatch.setattr(app, "Load", lambda name: loads.append(Load(name)) or loads[-1])
    doors = Doors()
    routes = (
        route("/list", doors.wait),
        route("/segment", doors.wait, Priority.PLAYBACK),
        route("/stream", doors.stream, response_type="text/event-stream", timeout_s=None),
    )
    client = await serve(create_app(Service(name="chat", routes=routes), core))
    streams = [await client.get("/stream") for _ in range(20)]  # their heads are out: they take no room
    assert [stream.status for stream in streams] == [200] * 20
    assert loads[0].in_flight == 0
    lists = [asyncio.create_task(client.get("/list")) for _ in range(8)]
    for _ in lists:
        await doors.waiting.acquire()
    refused = await client.get("/list")
    assert refused.status == 503
    assert (await refused.json())["type"].endswith("overloaded")
    assert refused.headers["Retry-After"] == "1"
    segments = [asyncio.create_task(client.get("/segment")) for _ in range(2)]
    for _ in segments:
        await doors.waiting.acquire()
    assert (await client.get("/segment")).status == 503
    assert (await client.get("/health")).status == 200
    doors.open.set()
    for task in (*lists, *segments):
        assert (await task).status == 200
    assert loads[0].in_flight == 0
    for stream in streams:
        stream.close()
