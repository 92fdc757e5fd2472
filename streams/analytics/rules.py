"""What players and the streaming gateway report on a playback session, made into its measure. Pure.

`decide` is a fold whose result depends on the set of beats alone (`state`, `runs`), so a report that comes
twice, late, or cut in other pieces leads to the same measure in the end. After each event that told anything
new it says the whole measure once more.

A session's state is let go SILENT_MS after its last report, by a timer. What comes later under its id begins
another row, as its start is on a later day; an old report that is put on the log again that late is refused,
or it would replace what is known of a session by less. A dead letter goes back with the time that it had:
of a session that is not known (any more) nothing is said until a timer, due at once, tells what time it is.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.analytics.views import PLAYBACK, SEGMENTS_SERVED, VIEW, VIEW_MEASURED
from schemas.event import Event
from schemas.wiring import TIMER_DUE
from streams.analytics.hearing import hear, own, reported_ms, unheard
from streams.analytics.measure import DAY_MS, measure
from streams.analytics.state import View
from streams.engine import Out, Refuse

SILENT_MS: Final = DAY_MS
TIMERS: Final = "engine.timer.requests"


def decide(state: Any, event: Event) -> tuple[Any, list[Out]]:
    """The session's new state, and its measure if there is more to it. Refuses reports a day late."""
    if event.type == TIMER_DUE:
        return _reminded(state, event)
    data = event.data
    if event.type == SEGMENTS_SERVED and not any(segment["cmcd"] for segment in data["segments"]):
        return state, []
    if event.at_ms - reported_ms(event) > SILENT_MS:
        raise Refuse(
            "report_too_old", "The report is more than a day old: sessions that long ago are settled."
        )
    view = own(state) if state is not None else unheard(event.at_ms)
    outs = []
    told = hear(view, event)
    if event.redriven and (state is None or "held" in state):
        if state is None:
            view["held"] = True
            outs.append(_timer(event.key, event.at_ms))
    else:
        if state is None:
            outs.append(_timer(event.key, event.at_ms + SILENT_MS))
        if view.pop("held", False) or told:
            outs.append(_measured(event.key, view))
    view["heard_ms"] = max(view["heard_ms"], event.at_ms)
    return view, outs


def _measured(view_id: str, view: View) -> Out:
    data = measure(view_id, view)
    day = data["started_at_ms"] // DAY_MS
    before = view.get("day", day)
    view["day"] = day
    return Out(VIEW, view_id, VIEW_MEASURED, {**data, "moved_from_day": before if before != day else None})


def _timer(view_id: str, due_at_ms: int) -> Out:
    timer_id = f"view:{view_id}"
    data = {
        "timer_id": timer_id,
        "due_at_ms": due_at_ms,
        "topic": PLAYBACK,
        "key": view_id,
        "note": "lets go of a session that is over",
    }
    return Out(TIMERS, timer_id, "kinolog.engine.TimerSet", data)


def _reminded(state: View | None, event: Event) -> tuple[Any, list[Out]]:
    """Let go of a session that was silent for a day; look again later at one that was not."""
    if state is not None and "held" in state:
        if event.at_ms - state["heard_ms"] > SILENT_MS:
            return None, []
        view = own(state)
        del view["held"]
        return view, [_measured(event.key, view), _timer(event.key, view["heard_ms"] + SILENT_MS)]
    if state is None or event.data["due_at_ms"] >= state["heard_ms"] + SILENT_MS:
        return None, []
    return state, [_timer(event.key, state["heard_ms"] + SILENT_MS)]
