"""A Redis projector's fold: events in, documents and ops out, with the outcomes that gateways wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import orjson

from schemas.event import Event
from schemas.wiring import REPEATED
from streams.core.producer import now_ms
from streams.engine.agents import State
from streams.engine.deciders import ANSWERS
from streams.engine.ops import Op
from streams.engine.store import OUTCOME_TTL_S, Effects, Snapshot
from streams.engine.transact import Folded

Project = Callable[[State | None, Event], tuple[State | None, list[Op]]]


class ProjectorFold:
    """Folds events into `{tag}:state` documents under their keys, and into the projection's own keys.

    The note on the partition's channel is a JSON list of the keys that changed or whose request has an
    outcome now: who waits for a refusal learns of it at once, too. The outcome of a request stands under
    `{tag}:outcome:<its ce_id>:<key>` for ten minutes, as JSON: `type`, `data` where it was refused or
    repeated, and of one repeated within that time `first`, the type of what it led to at first. These two
    types never reach the function. The key is in the name so that who may ask about one aggregate learns
    nothing of another that happens to share its partition.
    """

    windowed = False

    def __init__(self, project: Project, clock_ms: Callable[[], int] = now_ms) -> None:
        self._project, self._clock_ms = project, clock_ms

    def __call__(self, events: Sequence[Event], view: Snapshot) -> Folded:
        """`failed` names the events that the function failed on; they are folded around, as in deciders."""
        failed: dict[int, Exception] = {}
        while True:
            at = [-1]
            try:
                return self._folded(events, view, failed, at)
            except Exception as exc:
                if at[0] < 0:
                    raise
                failed[at[0]] = exc

    def _folded(
        self, events: Sequence[Event], view: Snapshot, failed: dict[int, Exception], at: list[int]
    ) -> Folded:
        states: dict[str, Any] = {}
        told: dict[str, None] = {}  # of the note, beside the keys of states
        outcomes: dict[str, str] = {}
        ops: list[Op] = []
        held, project = view.states, self._project
        oldest = self._clock_ms() - OUTCOME_TTL_S * 1000
        answers = ANSWERS
        for event in events:
            key, cause = event.key, event.cause
            asked = cause and event.src is not None and event.at_ms > oldest
            if asked and event.type == REPEATED:
                outcomes.setdefault(f"{cause}:{key}", outcome(event))
            elif asked:
                outcomes[f"{cause}:{key}"] = outcome(event)
            if event.type in answers or event.offset in failed:
                if asked:
                    told[key] = None
                continue
            at[0] = event.offset
            if key not in states:
                raw = held.get(key)
                states[key] = None if raw is None else orjson.loads(raw)
            states[key], made = project(states[key], event)
            if made:
                ops += made
        at[0] = -1
        documents: dict[str, bytes | None] = {}
        for key, state in states.items():
            document = None if state is None else orjson.dumps(state)
            if document != held.get(key):
                documents[key] = document
        told |= dict.fromkeys(states)
        note = orjson.dumps(list(told)) if told else b""
        return Folded(Effects(-1, states=documents, outcomes=outcomes, ops=ops, note=note), [], failed)


def outcome(event: Event) -> str:
    """What a gateway that waits for a request reads: the last event that the request led to. JSON."""
    type_name = event.type
    if type_name in ANSWERS:
        return orjson.dumps({"type": type_name, "data": event.data}).decode()
    return _led_to(type_name)


@lru_cache(maxsize=1024)
def _led_to(type_name: str) -> str:
    return orjson.dumps({"type": type_name}).decode()
