"""One request to an account's decider: what it finds, what it changes and what it says. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.drm.views import EVENTS, REQUESTS
from schemas.event import Event
from streams.drm.state import TOKEN_MS, State, Stream
from streams.engine import Out

TIMERS: Final = "engine.timer.requests"


class Turn:
    """A copy of the state (the given one stays as it was) and the outputs so far, in order."""

    def __init__(self, state: State, event: Event) -> None:
        self.state: State = {
            "rights": dict(state["rights"]), "devices": [*state["devices"]],
            "streams": {name: stream.copy() for name, stream in state["streams"].items()},
            "stopped": state["stopped"], "stopped_devices": [*state["stopped_devices"]],
            "tokens": {n: t for n, t in state["tokens"].items() if event.at_ms < t["at_ms"] + TOKEN_MS},
            "timer_at_ms": state["timer_at_ms"],
        }  # fmt: skip
        self.account_id, self.event, self.now_ms = event.key, event, event.at_ms
        self.outs: list[Out] = []

    def say(self, name: str, **data: Any) -> None:
        """An event about the account, as `kinolog.drm.<name>`."""
        full = {"account_id": self.account_id, **data}
        self.outs.append(Out(EVENTS, self.account_id, f"kinolog.drm.{name}", full))

    def refuse(self, code: str, detail: str) -> None:
        """The answer to a request that was turned down, where something else has to be said besides."""
        data = {"request_id": self.event.id, "request_type": self.event.type, "code": code, "detail": detail}
        self.outs.append(Out(EVENTS, self.account_id, "kinolog.engine.RequestRefused", data))

    def end(self, stream_id: str, reason: str) -> None:
        """A stream that is there does not count any more."""
        stream = self.state["streams"].pop(stream_id)
        place = {"asset_id": stream["asset_id"], "device_id": stream["device_id"]}
        self.say("StreamEnded", stream_id=stream_id, **place, reason=reason)

    def end_all(self, reason: str, which: Callable[[Stream], bool]) -> None:
        """All streams that are so."""
        for stream_id in [name for name, stream in self.state["streams"].items() if which(stream)]:
            self.end(stream_id, reason)

    def keep_timer(self) -> None:
        """One timer an account, due when the first lease ends. Beats move leases, not the timer: it looks."""
        ends = [stream["until_ms"] for stream in self.state["streams"].values()]
        running_ms = self.state["timer_at_ms"]
        if not ends or (running_ms is not None and running_ms <= min(ends)):
            return
        self.state["timer_at_ms"] = min(ends)
        self._timer(
            "TimerSet", due_at_ms=min(ends), topic=REQUESTS, key=self.account_id,
            note="ends the account's streams that nobody watches any more",
        )  # fmt: skip

    def cancel_timer(self) -> None:
        """If it runs, it does no more."""
        if self.state["timer_at_ms"] is not None:
            self.state["timer_at_ms"] = None
            self._timer("TimerCancelled")

    def _timer(self, name: str, **data: Any) -> None:
        timer_id = f"drm:{self.account_id}"
        self.outs.append(Out(TIMERS, timer_id, f"kinolog.engine.{name}", {"timer_id": timer_id, **data}))
