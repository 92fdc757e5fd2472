"""One decision in the making: a state that may be changed freely, and what is said on the way.

`rules.py` tells what happens; this file knows how work is asked for, asked for again and no longer waited
for, and keeps the asset's one timer at the earliest due time.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.event import Event
from schemas.media.objects import asset_prefix, profile_prefix, upload_prefix
from streams.engine import Out
from streams.media import life
from streams.media.life import State, Waiting

REQUESTS: Final = "media.asset.requests"
EVENTS: Final = "media.asset.events"
WORK: Final = "media.work.requests"
OWNERS: Final = "media.owner.requests"
TIMERS: Final = "engine.timer.requests"


class Turn:
    """A copy of the state (the given one stays as it was) and the outputs so far, in order."""

    def __init__(self, state: State, event: Event, now_ms: int) -> None:
        self.state: State = {**state, "waiting": dict(state.get("waiting", {}))}
        self.asset_id = event.key
        self.event = event
        self.now_ms = now_ms
        self.outs: list[Out] = []

    @property
    def waiting(self) -> dict[str, Waiting]:
        return self.state["waiting"]

    def say(self, name: str, **data: Any) -> None:
        """An event about the asset, as `kinolog.media.<name>`."""
        full = {"asset_id": self.asset_id, **data}
        self.outs.append(Out(EVENTS, self.asset_id, f"kinolog.media.{name}", full))

    def refuse(self, code: str, detail: str) -> None:
        """The answer to a request that changes nothing, where something else has to be said besides."""
        data = {"request_id": self.event.id, "request_type": self.event.type, "code": code, "detail": detail}
        self.outs.append(Out(EVENTS, self.asset_id, "kinolog.engine.RequestRefused", data))

    def own(self, owner_id: str | None, *, inherited: bool = False) -> None:
        """The asset is this one's from now on; None: the administrator's, whose films nobody counts."""
        self.disown()
        if owner_id is not None:
            self.state["owner_id"] = owner_id
            self._report("AssetGained", owner_id, inherited=inherited)

    def disown(self) -> None:
        """The asset is no more whose it was."""
        before = self.state.pop("owner_id", None)
        if before is not None:
            self._report("AssetLost", before)

    def _report(self, name: str, owner_id: str, **data: Any) -> None:
        full = {"owner_id": owner_id, "asset_id": self.asset_id, **data}
        self.outs.append(Out(OWNERS, owner_id, f"kinolog.media.{name}", full))

    def wait(self, name: str, due_at_ms: int) -> None:
        """Only wait, until `due_at_ms`: nothing is asked for now."""
        self.waiting[name] = Waiting(
            due_at_ms=due_at_ms, asked_at_ms=self.now_ms, attempt=0, failures=0, failed=False, again=False
        )

    def ask(self, name: str) -> None:
        """Ask for a piece of work, for the first time or once more, and wait for its answer."""
        old = self.waiting.get(name)
        attempt = old["attempt"] + 1 if old else 1
        if name == life.ERASURE:
            attempt = self.state["erasures"] = self.state.get("erasures", 0) + 1
        self.waiting[name] = Waiting(
            due_at_ms=self.now_ms + life.silence_ms(name, attempt),
            asked_at_ms=self.now_ms,
            attempt=attempt,
            failures=old["failures"] if old else 0,
            failed=False,
            again=False,
        )
        self.outs.append(self._request(name, attempt))

    def answered(self, name: str) -> None:
        """Stop waiting for it."""
        self.waiting.pop(name, None)

    def chunks_awaited(self) -> list[str]:
        """Names of the chunks asked for and not answered."""
        return [name for name in self.waiting if life.chunk_of(name) is not None]

    def fill_window(self) -> None:
        """Ask for the next chunks, in order, until enough are under way."""
        state = self.state
        room = life.WINDOW - len(self.chunks_awaited())
        end = min(state["next_chunk"] + room, state["plan"]["chunk_count"])
        for index in range(state["next_chunk"], end):
            self.ask(life.chunk_name(index))
        state["next_chunk"] = end

    def erase(self) -> None:
        """See to it that an erasure begins after this moment."""
        running = self.waiting.get(life.ERASURE)
        if running is None:
            self.ask(life.ERASURE)
        else:
            self.waiting[life.ERASURE] = {**running, "again": True}

    def keep(self, kept: State) -> None:
        """Forget all but `kept`, what is waited for, the owner, the timer and the count of erasures."""
        kept["waiting"] = self.waiting
        if "owner_id" in self.state:
            kept["owner_id"] = self.state["owner_id"]
        if "timer_at_ms" in self.state:
            kept["timer_at_ms"] = self.state["timer_at_ms"]
        if "fired_at_ms" in self.state:
            kept["fired_at_ms"] = self.state["fired_at_ms"]
        if "erasures" in self.state:
            kept["erasures"] = self.state["erasures"]
        self.state = kept

    def heard_of_chunks(self) -> None:
        """A report on one chunk is a sign of life for the others that are waited for."""
        for name, entry in self.waiting.items():
            if life.chunk_of(name) is not None and not entry["failed"]:
                due_at_ms = life.still_due_ms(name, entry, self.now_ms)
                self.waiting[name] = {**entry, "due_at_ms": due_at_ms}

    def retry_later(self, name: str) -> int:
        """Count a failure of the current attempt; the timer asks again. Returns the failures so far."""
        old = self.waiting[name]
        failures = old["failures"] + 1
        due_at_ms = self.now_ms + life.retry_ms(failures)
        self.waiting[name] = {**old, "failures": failures, "failed": True, "due_at_ms": due_at_ms}
        return failures

    def finish(self) -> tuple[State, list[Out]]:
        """The new state and the outputs, with the timer where it has to be."""
        timer_id = life.timer_id(self.asset_id)
        running_ms = self.state.get("timer_at_ms")
        if not self.waiting:
            if running_ms is not None:
                del self.state["timer_at_ms"]
                self.outs.append(
                    Out(TIMERS, timer_id, "kinolog.engine.TimerCancelled", {"timer_id": timer_id})
                )
            return self.state, self.outs
        due_at_ms = min(entry["due_at_ms"] for entry in self.waiting.values())
        # A reminder's id is made of its timer and due time: one for a time that has been would be a repeat.
        due_at_ms = max(due_at_ms, self.state.get("fired_at_ms", -1) + 1)
        # A timer that is too early is left alone: it fires, finds nothing due, and is set anew.
        if running_ms is None or due_at_ms < running_ms:
            self.state["timer_at_ms"] = due_at_ms
            data = {
                "timer_id": timer_id,
                "due_at_ms": due_at_ms,
                "topic": REQUESTS,
                "key": self.asset_id,
                "note": "asks again for silent or failed work of this asset",
            }
            self.outs.append(Out(TIMERS, timer_id, "kinolog.engine.TimerSet", data))
        return self.state, self.outs

    def _request(self, name: str, attempt: int) -> Out:
        chunk = life.chunk_of(name)
        common = {"asset_id": self.asset_id, "attempt": attempt, "priority": life.PRIORITY_ORDINARY}
        if name == life.PROBE:
            kind = "ProbeRequested"
            own = {
                "priority": life.PRIORITY_URGENT,
                "source": self.state["source"],
                "protection": self.state.get("protection"),
            }
            profile_hash = ""
        elif name == life.ERASURE:
            kind = "ErasureRequested"
            own = {
                "prefixes": self._prefixes(),
                # Of an upload that failed people are still told, by its title.
                "forget_title": self.state["phase"] == "deleted",
            }
            profile_hash = ""
        elif name == life.PROTECTION:
            kind = "ProtectionPlanRequested"
            own = {"protection": self.state["protection"], "plan": self.state["plan"]}
            profile_hash = ""
        else:
            plan = self.state["plan"]
            profile_hash = plan["profile_hash"]
            own = {"source": self.state["source"], "plan": plan}
            kind = "StoryboardRequested" if chunk is None else "ChunkRequested"
            if chunk is not None:
                own["chunk_index"] = chunk
                # Nobody waits for the first pictures of a film that plays.
                first = chunk == 0 and self.state["phase"] != "protecting"
                own["priority"] = life.PRIORITY_URGENT if first else life.PRIORITY_ORDINARY
        work_id = life.work_id(self.asset_id, name, profile_hash)
        data = {**common, "work_id": work_id, **own}
        return Out(WORK, work_id, f"kinolog.media.{kind}", data)

    def _prefixes(self) -> list[str]:
        """What an erasure deletes: all, or of a film that plays what it plays by no more."""
        if self.state["phase"] in ("deleted", "failed"):
            return [upload_prefix(self.asset_id), asset_prefix(self.asset_id)]
        return [profile_prefix(self.asset_id, each) for each in self.state.get("retired", ())]
