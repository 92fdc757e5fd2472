"""A decider's fold: requests and events in, decisions out, over its own keyed state.

Requests (events without `src` on a `.requests` topic) that the window already holds are answered with
RequestRepeated; those so old that the window may have forgotten them, with RequestRefused. Neither reaches
the domain's function. Facts, on `.events` topics, have no window: nobody waits for their outcome, one that
comes late is as true as before, and rules that hear of one again know it by what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from schemas.event import Event
from schemas.headers import src_origin
from schemas.wiring import REFUSED, REPEATED
from streams.core import metrics
from streams.core.producer import Record
from streams.engine.agents import Out, Refuse, State
from streams.engine.outputs import Encoder
from streams.engine.store import Effects, Snapshot
from streams.engine.transact import Folded

Decide = Callable[[State | None, Event], tuple[State | None, list[Out]]]
ANSWERS: Final = frozenset((REFUSED, REPEATED))
TOO_OLD: Final = Refuse("request_too_old", "The request took too long to arrive: send it again.")


class DeciderFold:
    """Folds events one by one: where a chunk begins or ends changes nothing."""

    def __init__(self, agent: str, topic: str, answers: str, decide: Decide, encoder: Encoder) -> None:
        """`answers`: the topic for refusals and repeats."""
        self._agent, self._topic, self._answers = agent, topic, answers
        self.windowed = topic.endswith(".requests")
        self._decide, self._encoder = decide, encoder
        self._repeated = metrics.EVENTS_DROPPED.labels(agent, "repeated_request")

    def __call__(self, events: Sequence[Event], view: Snapshot) -> Folded:
        """`failed` names the events that the function or the encoding of its outputs failed on.

        A function that raised may have changed the state in its hands, so the fold begins anew without
        that event. Rules are pure: trying it again would fail again.
        """
        failed: dict[int, Exception] = {}
        while True:
            try:
                return self._folded(events, view, failed)
            except _Failed as exc:
                failed[exc.offset] = exc.why

    def _folded(self, events: Sequence[Event], view: Snapshot, failed: dict[int, Exception]) -> Folded:
        states: dict[str, State | None] = {}
        changed: dict[str, None] = {}
        seen: dict[str, int] = {}
        outputs: list[Record] = []
        origin = src_origin(self._agent, self._topic, events[0].partition) if events else ""
        decide, encode, answers, add = self._decide, self._encoder.output, ANSWERS, outputs.append
        known, floor, windowed = view.seen, view.floor, self.windowed
        for event in events:
            if event.type in answers or event.offset in failed:
                continue
            key = event.key
            try:
                outs: list[Out] | None = None
                if windowed and event.src is None:
                    request = event.id
                    if request in seen or request in known or event.at_ms <= floor:
                        outs = self._known(event, view, seen)
                    if outs is None:
                        seen[request] = event.at_ms
                if outs is None:
                    if key not in states:
                        raw = view.states.get(key)
                        states[key] = None if raw is None else orjson.loads(raw)
                    try:
                        states[key], outs = decide(states[key], event)
                        changed[key] = None
                    except Refuse as no:
                        outs = [self._refused(event, no)]
                index = 0
                for out in outs:
                    add(encode(out, origin, event, index))
                    index += 1  # noqa: SIM113  # enumerate costs more than it says
            except Exception as exc:
                raise _Failed(event.offset, exc) from exc
        effects = Effects(-1, states=_documents(states, changed, view), seen=seen)
        return Folded(effects, outputs, failed)

    def _known(self, event: Event, view: Snapshot, seen: dict[str, int]) -> list[Out] | None:
        """The answer to a request that must not be decided, or None."""
        if event.id in seen or event.id in view.seen:
            self._repeated.inc()
            data = {"request_id": event.id, "request_type": event.type}
            return [Out(self._answers, event.key, REPEATED, data)]
        if event.at_ms <= view.floor and not event.redriven:
            return [self._refused(event, TOO_OLD)]
        return None

    def _refused(self, event: Event, no: Refuse) -> Out:
        data = {"request_id": event.id, "request_type": event.type, "code": no.code, "detail": no.detail}
        return Out(self._answers, event.key, REFUSED, data)


class _Failed(Exception):  # never leaves this module
    def __init__(self, offset: int, why: Exception) -> None:
        super().__init__(offset)
        self.offset, self.why = offset, why


def _documents(states: dict[str, Any], changed: dict[str, None], view: Snapshot) -> dict[str, bytes | None]:
    """What of the states to write: those that differ from what the store holds."""
    documents: dict[str, bytes | None] = {}
    for key in changed:
        held = view.states.get(key)
        document = None if states[key] is None else orjson.dumps(states[key])
        if document != held:
            documents[key] = document
    return documents
