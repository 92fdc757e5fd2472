"""Whether those who hold a connection still may, and are still there.

The first is asked when their account changes, and now and then anyway.

Ten thousand idle sockets cost nothing here: an account's projection says when it changed, so that a socket
ends within a second of what it stood on, and only its own account is looked at. Each socket is asked again
every SWEEP_S besides, for what no account's document tells (an issuer's key, a secret that was changed).
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext, suppress
from itertools import count
from typing import Final, Protocol

from aiohttp import web
from redis.exceptions import RedisError

from gateways.core.deps import Watch
from gateways.core.principal import Principal
from gateways.core.problem import Problem
from gateways.core.push import Note
from gateways.core.sse import DRAINING
from gateways.core.standing import FRESH_S

TICK_S: Final = 0.25
SWEEP_S: Final = 30.0
PULSE_S: Final = 5.0
UNKNOWN_S: Final = 5.0
"""How long a connection outlives that nobody can tell whether it still may, seconds."""
REJOIN_S: Final = 60.0
AT_ONCE: Final = 200
MOST_HELD: Final = 20_000
"""Connections of one app; others go to another gateway."""
GOING_AWAY: Final = 1001
GOODBYE_S: Final = 2.0
"""How long conversations have to end by themselves when the app does."""


class Held(Protocol):
    """A connection that somebody was let in on."""

    @property
    def principal(self) -> Principal: ...
    async def admit(self) -> None:
        """Ask again. Raises the Problem for which the client may not be here any more."""

    async def refuse(self, status: int) -> None:
        """End it, because of a problem of this HTTP status."""

    async def close(self, code: int) -> None:
        """End it by one of the WebSocket's close codes."""

    def pulse(self, now_s: float) -> None:
        """Ask whether the client is there, if it has long said nothing."""


class _News:
    """The keys of accounts that changed since the last look."""

    def __init__(self) -> None:
        self.everything = False
        self.keys: set[str] = set()

    def hear(self, note: Note | None) -> None:
        if note is None or note.keys is None:
            self.everything = True
        else:
            self.keys.update(note.keys)


class Admission:
    """All held connections of an app. `watch` subscribes to changes of accounts, and may raise RedisError or
    OSError; without it only the sweep asks. `run` must be running.
    """

    def __init__(self, watch: Watch | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._watch: Watch = watch or (lambda _: nullcontext())
        self._clock = clock
        self._of_account: dict[str, set[Held]] = {}
        self._asked_at_s: dict[Held, float] = {}  # the one asked longest ago comes first
        self._unknown_since_s: dict[Held, float] = {}
        self._ends: list[tuple[float, int, Held]] = []
        self._order = count()
        self._news = _News()
        self._later: deque[tuple[float, set[Held]]] = deque()
        self._pulse_at_s = clock()
        self._talks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def holding(self, held: Held) -> AsyncIterator[None]:
        """For as long as the connection is there. It has just been admitted."""
        principal = held.principal
        self._asked_at_s[held] = self._clock()
        if principal.account_id is not None:
            self._of_account.setdefault(principal.account_id, set()).add(held)
        self.renewed(held)
        try:
            yield
        finally:
            del self._asked_at_s[held]
            self._unknown_since_s.pop(held, None)
            if principal.account_id is not None:
                others = self._of_account[principal.account_id]
                others.discard(held)
                if not others:
                    del self._of_account[principal.account_id]

    def keep(self, talk: asyncio.Task[None]) -> None:
        """A conversation of this app: it ends with it, and before what it needs does."""
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    def renewed(self, held: Held) -> None:
        """Its credential is another one of the same account: that it ends is asked when this one does."""
        expires_at_s = held.principal.expires_at_s
        if expires_at_s is not None:
            ends_at_s = self._clock() + expires_at_s - time.time()
            heapq.heappush(self._ends, (ends_at_s, next(self._order), held))

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                async with self._watch(self._news):
                    await self._ask_for(REJOIN_S)  # a projection that was rebuilt has other channels
            except (RedisError, OSError):
                await self._ask_for(TICK_S)

    async def _ask_for(self, seconds: float) -> None:
        until_s = self._clock() + seconds
        while self._clock() < until_s:
            await asyncio.sleep(TICK_S)
            now_s = self._clock()
            if changed := self._changed():
                # What was read of an account just before it changed may be used for FRESH_S more.
                self._later.append((now_s + FRESH_S, changed))
            due: set[Held] = set()
            while self._later and self._later[0][0] <= now_s:
                due |= self._later.popleft()[1]
            due.update(self._ended(now_s))
            due.update(self._longest_unasked(now_s))
            await self._ask(due)
            if now_s >= self._pulse_at_s:
                self._pulse_at_s = now_s + PULSE_S
                at_s = asyncio.get_running_loop().time()
                for held in tuple(self._asked_at_s):
                    held.pulse(at_s)

    @property
    def full(self) -> bool:
        """Whether no more connections should be taken."""
        return len(self._asked_at_s) >= MOST_HELD

    async def end(self, code: int) -> None:
        """Close all that is held."""
        await asyncio.gather(*(held.close(code) for held in tuple(self._asked_at_s)), return_exceptions=True)

    async def over(self) -> None:
        """Close all that is held, and see every conversation out."""
        await self.end(GOING_AWAY)
        if self._talks:
            await asyncio.wait(self._talks, timeout=GOODBYE_S)
        left = tuple(self._talks)
        for talk in left:
            talk.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _changed(self) -> set[Held]:
        keys, self._news.keys = self._news.keys, set()
        if self._news.everything:
            self._news.everything = False
            self._asked_at_s = dict.fromkeys(self._asked_at_s, -math.inf)
        return {held for key in keys for held in self._of_account.get(key, ())}

    def _ended(self, now_s: float) -> Iterable[Held]:
        while self._ends and self._ends[0][0] <= now_s:
            yield heapq.heappop(self._ends)[2]

    def _longest_unasked(self, now_s: float) -> list[Held]:
        found: list[Held] = []
        for held, asked_at_s in self._asked_at_s.items():
            if asked_at_s > now_s - SWEEP_S or len(found) == AT_ONCE:
                break
            found.append(held)
        unknown = (held for held in self._unknown_since_s if held not in found)
        return [*found, *unknown]

    async def _ask(self, due: set[Held]) -> None:
        waiting = [held for held in due if held in self._asked_at_s]
        for at in range(0, len(waiting), AT_ONCE):
            asking: list[Awaitable[None]] = [self._ask_one(held) for held in waiting[at : at + AT_ONCE]]
            await asyncio.gather(*asking)

    async def _ask_one(self, held: Held) -> None:
        asked_at_s = self._clock()
        status = 0
        try:
            await held.admit()
        except Problem as refusal:
            status = refusal.kind.status
        if held not in self._asked_at_s:
            return
        if status == 503:
            since_s = self._unknown_since_s.setdefault(held, asked_at_s)
            if self._clock() - since_s < UNKNOWN_S:
                status = 0
        else:
            self._unknown_since_s.pop(held, None)
        del self._asked_at_s[held]
        self._asked_at_s[held] = asked_at_s
        if status:
            with suppress(ConnectionError, RuntimeError):
                await held.refuse(status)


ADMISSION = web.AppKey("admission", Admission)


async def asking(app: web.Application) -> AsyncIterator[None]:
    """cleanup_ctx of an app with sockets: asks while it runs, and ends them when it drains."""

    async def drain() -> None:
        await app[DRAINING].wait()
        await app[ADMISSION].end(GOING_AWAY)

    tasks = [asyncio.create_task(app[ADMISSION].run()), asyncio.create_task(drain())]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def see_out(app: web.Application) -> None:
    """on_shutdown of an app with sockets: what their conversations need is still there."""
    await app[ADMISSION].over()
