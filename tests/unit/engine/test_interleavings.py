"""Lives, zombies, kills and a store that rolls back, interleaved at random around the engine's own code.

A decider reads one partition and emits into a topic that a second decider reads, whose outputs a projector
counts. Every await of theirs is a place where any other life may go on, or this one end for ever.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import orjson
import pytest

from schemas.event import Event
from schemas.headers import request_headers
from streams.core.producer import Record
from streams.engine.agents import Out
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.deciders import DeciderFold
from streams.engine.errors import HoleError
from streams.engine.marks import Marks
from streams.engine.ops import Op
from streams.engine.outputs import Encoder
from streams.engine.projectors import ProjectorFold
from streams.engine.transact import Transactor
from tests.chaos import mutations
from tests.unit.engine.model import DirectOutputs, ModelLog, ModelProducer, ModelStore, chaos_codec, switch

REQUESTS, A, B = "chaos.a.requests", "chaos.a.events", "chaos.b.events"
SPLIT, COPIED = "kinolog.chaos.Split", "kinolog.chaos.Copied"
PARTITIONS = 2
ASKED = 14
SEEDS = 200


def decide_a(state: dict[str, Any] | None, event: Event) -> tuple[dict[str, Any] | None, list[Out]]:
    """0 to 2 outputs whose keys follow from the state: a wrong state shows in what is emitted, and where."""
    n = (state or {"n": 0})["n"] + 1
    data = {"rid": event.data["rid"], "n": n}
    return {"n": n}, [Out(A, f"e{(n + j) % 3}", SPLIT, {**data, "j": j}) for j in range(n % 3)]


def decide_b(state: dict[str, Any] | None, event: Event) -> tuple[dict[str, Any] | None, list[Out]]:
    n = (state or {"n": 0})["n"] + 1
    return {"n": n}, [Out(B, f"c{n % 3}", COPIED, {**event.data, "i": 0, "b": event.key, "bn": n})]


def project(state: dict[str, Any] | None, event: Event) -> tuple[dict[str, Any] | None, list[Op]]:
    entries = [*(state or {"entries": []})["entries"], [event.data["rid"], event.data["j"], event.data["bn"]]]
    return {"entries": entries}, [Op("HINCRBY", "count", event.key, 1)]


class Stage:
    """One agent: its store outlives its lives."""

    def __init__(self, name: str, topic: str, log: ModelLog, fold: Callable[[], Any]) -> None:
        self.name, self.topic, self.log, self._fold = name, topic, log, fold
        self.store = ModelStore(window=100, switching=True)

    def transactor(self) -> Transactor:
        outputs: Any = DirectOutputs(ModelProducer(self.log))
        return Transactor(
            self.name, chaos_codec(), self.store, self._fold(), outputs, DeadLetters(self.name, "g")
        )

    async def life(self, partition: int, rng: random.Random, watching: bool) -> None:
        """From fence + 1 on, chunk by chunk, as the lane delivers; ends as the process would."""
        applier = self.transactor()
        position = await self.store.fence(partition) + 1
        applier.applied[partition] = position - 1
        while True:
            records = self.log.topics[self.topic][partition][position : position + rng.randrange(1, 5)]
            if records:
                try:
                    await applier.apply(Chunk(self.topic, partition, position, tuple(records)))
                except HoleError:
                    return
                position = records[-1].offset + 1
            elif watching and await self.store.fence(partition) < applier.applied[partition]:
                return
            else:
                await switch()

    def is_done(self) -> bool:
        return all(
            self.store.partitions[p].fence == len(self.log.topics[self.topic][p]) - 1
            for p in range(PARTITIONS)
        )


def stages(log: ModelLog) -> list[Stage]:
    def encoder(name: str) -> Encoder:
        return Encoder(chaos_codec(), name, [A, B], 1_000_000)

    def fold_a() -> DeciderFold:
        return DeciderFold("chaos.a", REQUESTS, A, decide_a, encoder("chaos.a"))

    def fold_b() -> DeciderFold:
        return DeciderFold("chaos.b", A, B, decide_b, encoder("chaos.b"))

    return [
        Stage("chaos.a", REQUESTS, log, fold_a),
        Stage("chaos.b", A, log, fold_b),
        Stage("chaos.c", B, log, lambda: ProjectorFold(project, lambda: 0)),
    ]


def asked_log(rng: random.Random) -> ModelLog:
    """Requests of three clients, some of them sent twice."""
    log = ModelLog(PARTITIONS)
    for number in range(ASKED):
        client, rid = f"k{rng.randrange(3)}", f"r{number}"
        for _ in range(2 if rng.random() < 0.2 else 1):
            value = chaos_codec().encode("kinolog.chaos.Asked", {"rid": rid})
            headers = request_headers("kinolog.chaos.Asked", "test", rid, 1000 + number)
            log.append(Record(REQUESTS, client, value, headers, 1000 + number))
    return log


def held(all_stages: list[Stage]) -> list[dict[str, Any]]:
    """What the stages believe, without the log's offsets (repeats on the log are allowed)."""
    found = []
    for stage in all_stages:
        everything: dict[str, Any] = {}
        for partition in stage.store.partitions.values():
            everything |= {key: orjson.loads(document) for key, document in partition.states.items()}
            everything |= {f"count of {key}": n for key, n in partition.own.get("count", {}).items()}
        found.append(everything)
    return found


Life = Coroutine[None, None, None]


def step(lives: list[Life], life: Life) -> None:
    try:
        life.send(None)
    except StopIteration:
        lives.remove(life)


def run_to_end(all_stages: list[Stage], rng: random.Random) -> None:
    """One undisturbed life per partition, one stage after the other."""
    for stage in all_stages:
        lives = [stage.life(p, rng, watching=False) for p in range(PARTITIONS)]
        for _ in range(3000):
            if stage.is_done() or not lives:
                break
            step(lives, rng.choice(lives))
        for life in lives:
            life.close()


def calm(seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    all_stages = stages(asked_log(rng))
    run_to_end(all_stages, rng)
    return held(all_stages)


def disturbed(seed: int, watching: bool = True) -> list[dict[str, Any]]:
    """The same requests, while lives come, end anywhere, overlap, and stores lose their newest writes."""
    rng = random.Random(seed)
    all_stages = stages(asked_log(rng))
    lives: list[Life] = []
    saved = {stage.name: [stage.store.saved()] for stage in all_stages}
    for _ in range(900):
        chance, stage = rng.random(), rng.choice(all_stages)
        if chance < 0.04 and len(lives) < 12:
            lives.append(stage.life(rng.randrange(PARTITIONS), rng, watching))
        elif chance < 0.06 and lives:
            lives.pop(rng.randrange(len(lives))).close()
        elif chance < 0.065:
            stage.store.restore(rng.choice(saved[stage.name][-4:]))
        elif lives:
            step(lives, rng.choice(lives))
            if rng.random() < 0.2:
                saved[stage.name].append(stage.store.saved())
    # What comes after: no more faults, but lives that are still there go on, and new ones join them.
    for _ in range(40):
        if all(stage.is_done() for stage in all_stages):
            break
        for stage in all_stages:
            lives += [stage.life(p, rng, watching) for p in range(PARTITIONS)]
        for _ in range(1500):
            if lives:
                step(lives, rng.choice(lives))
        while len(lives) > 12:
            lives.pop(0).close()
    for life in lives:
        life.close()
    return held(all_stages)


def wrong_seeds() -> Iterator[int]:
    return (seed for seed in range(SEEDS) if disturbed(seed) != calm(seed))


def emptied_when_idle(seed: int, watching: bool) -> list[dict[str, Any]]:
    """All is applied and quiet; then a store loses its end. Only lives that notice are followed by others."""
    rng = random.Random(seed)
    all_stages = stages(asked_log(rng))
    early = [stage.store.saved() for stage in all_stages]
    lives = {
        (s, p): stage.life(p, rng, watching) for s, stage in enumerate(all_stages) for p in range(PARTITIONS)
    }

    def go_on(steps: int) -> None:
        for _ in range(steps):
            s, p = rng.choice(list(lives))
            try:
                lives[s, p].send(None)
            except StopIteration:
                lives[s, p] = all_stages[s].life(p, rng, watching)

    go_on(4000)
    victim = rng.randrange(len(all_stages))
    all_stages[victim].store.restore(early[victim])
    go_on(6000)
    for life in lives.values():
        life.close()
    return held(all_stages)


def test_every_interleaving_ends_as_the_undisturbed_run() -> None:
    assert list(wrong_seeds()) == []


def test_a_store_that_loses_its_end_while_idle_is_noticed() -> None:
    assert [seed for seed in range(5) if emptied_when_idle(seed, watching=True) != calm(seed)] == []


def test_without_the_watch_an_idle_loss_stays() -> None:
    assert all(emptied_when_idle(seed, watching=False) != calm(seed) for seed in range(5))


def test_without_marks_a_repeat_is_applied_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Marks, "is_repeat", Marks.is_repeat)  # put back afterwards
    mutations.without_marks()
    assert next(wrong_seeds(), None) is not None


def test_without_compare_and_set_a_zombie_overwrites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelStore, "write", ModelStore.write)
    mutations.without_compare(ModelStore)
    assert next(wrong_seeds(), None) is not None


def test_without_the_fence_chunks_are_applied_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelStore, "write", ModelStore.write)
    monkeypatch.setattr(ModelStore, "read", ModelStore.read)
    mutations.without_fence(ModelStore)
    assert next(wrong_seeds(), None) is not None
