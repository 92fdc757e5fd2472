"""A service that does one thing after another, asked for three times what it can do: in a time of its own."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import pytest

from gateways.core import adaptive
from gateways.core.adaptive import Load, Priority, Ticket

WORK_S = 0.003
REFUSAL_S = 0.00002
OVER = 3.0
LASTS_S = 8.0
SETTLED_S = 1.0
GOOD_WITHIN_S = 0.5


class Overloaded:
    """Requests come evenly, their priorities in turn; what comes meanwhile is read between two of them."""

    def __init__(self, priorities: Sequence[Priority], work_s: float = WORK_S) -> None:
        self._now_s = 0.0
        self.load = Load("chat", clock=lambda: self._now_s)
        self.good = dict.fromkeys(priorities, 0)
        self.asked = dict.fromkeys(priorities, 0)
        queue: deque[tuple[float, Priority, Ticket]] = deque()
        arrived, every_s = 0, work_s / OVER
        while self._now_s < LASTS_S or queue:
            while arrived * every_s <= min(self._now_s, LASTS_S):
                due_s, priority = arrived * every_s, priorities[arrived % len(priorities)]
                arrived += 1
                self.asked[priority] += due_s >= SETTLED_S
                ticket = self.load.enter(priority)
                if ticket is None:
                    self._now_s += REFUSAL_S
                else:
                    ticket.name = "GET /x"
                    queue.append((due_s, priority, ticket))
            if not queue:
                self._now_s = arrived * every_s
                continue
            due_s, priority, ticket = queue.popleft()
            self._now_s += work_s
            ticket.leave(measured=True)
            self.good[priority] += due_s >= SETTLED_S and self._now_s - due_s <= GOOD_WITHIN_S
        self.capacity = (LASTS_S - SETTLED_S) / work_s

    @property
    def goodput(self) -> float:
        """Answers in time, as a part of what it can do."""
        return sum(self.good.values()) / self.capacity


@pytest.mark.parametrize("work_s", [0.0005, 0.003, 0.02])
def test_what_is_let_in_is_answered_in_time_and_nothing_is_left_undone(work_s: float) -> None:
    assert Overloaded([Priority.ORDINARY], work_s).goodput > 0.9


def test_without_a_limit_nothing_is_answered_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptive, "START", math.inf)
    monkeypatch.setattr(adaptive, "WINDOW_S", math.inf)
    assert Overloaded([Priority.ORDINARY]).goodput < 0.1


def test_what_keeps_playback_running_is_refused_last() -> None:
    """One request in ten is a licence's, two are of running playback; all others are less important."""
    rest = [Priority.BEAT, Priority.ORDINARY] * 3 + [Priority.BEAT]
    machine = Overloaded([Priority.PLAYBACK, *rest[:4], Priority.LICENCE, Priority.PLAYBACK, *rest[4:]])
    part = {priority: machine.good[priority] / machine.asked[priority] for priority in machine.good}
    assert part[Priority.PLAYBACK] == 1
    assert part[Priority.LICENCE] > 0.99
    assert part[Priority.BEAT] < 0.01 < part[Priority.ORDINARY]
    assert machine.goodput > 0.9
