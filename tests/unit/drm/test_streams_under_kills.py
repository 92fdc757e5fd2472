"""Players of one account, whose decider is killed, overlapped and started again between any two of its steps.

The decider runs in the engine's own code on a model of the log and of the store. Players ask, beat, stop,
fall silent and use tokens twice; clocks of gateways differ; requests and reminders reach the log twice. What
the log says is held to the oracle of the chaos run: nobody gets a place too many, or is refused a free one.
When all is silent for a lease, every place is free.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any, Final

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from schemas.drm.views import EVENTS, REQUESTS
from schemas.event import Event
from schemas.headers import request_headers
from schemas.wire import codec
from streams.core.producer import Record
from streams.drm.rules import decide
from streams.drm.state import MOST_REPLAYS
from streams.drm.turn import TIMERS
from streams.engine.chunk import Chunk
from streams.engine.dead_letters import DeadLetters
from streams.engine.deciders import DeciderFold
from streams.engine.errors import HoleError
from streams.engine.outputs import Encoder
from streams.engine.transact import Transactor
from tests.chaos.grants import DENIED, ENDED, GRANTED, STARTED, Limits, Said, miscounted
from tests.unit.drm.telling import (
    ACCOUNT,
    FILM,
    LEASE_MS,
    OTHER_FILM,
    PHONE,
    START_MS,
    TABLET,
    TV,
    asked,
    beat,
    stopped,
    stream_of,
    timer,
)  # fmt: skip
from tests.unit.engine.model import DirectOutputs, ModelLog, ModelProducer, ModelStore, switch

AGENT: Final = "drm.account"
LIMITS: Final = Limits(streams=2, devices=2)
RULES: Final = {"max_streams": LIMITS.streams, "max_devices": LIMITS.devices}
MOST_LIVES: Final = 3
SKEW_MS: Final = 2_000
PLACES: Final = st.tuples(st.sampled_from((TV, PHONE, TABLET)), st.sampled_from((FILM, OTHER_FILM)))

Life = Coroutine[None, None, None]


class Account(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.log, self.store = ModelLog(1), ModelStore(window=1000, switching=True)
        self.lives: list[Life] = []
        self.now_ms, self.sent, self.reminded = START_MS, 0, 0
        self.tokens: dict[str, tuple[str, str]] = {}  # the place of each, the newest last
        self.playing: list[str] = []  # streams that a player asked for

    # What players do.

    @rule(place=PLACES, early_ms=st.integers(0, SKEW_MS), twice=st.booleans())
    def a_player_asks(self, place: tuple[str, str], early_ms: int, twice: bool) -> None:
        token = f"t{len(self.tokens)}"
        self.tokens[token] = place
        self.playing.append(stream_of(*place, len(self.tokens)))
        self.ask(token, "c", len(self.tokens), early_ms, twice)

    @precondition(lambda self: self.tokens)
    @rule(back=st.integers(1, 3), challenge=st.sampled_from("cd"), early_ms=st.integers(0, SKEW_MS))
    def a_token_is_used_again(self, back: int, challenge: str, early_ms: int) -> None:
        number = max(len(self.tokens) - back, 0)
        self.ask(f"t{number}", challenge, number + 1, early_ms, twice=False)

    def ask(self, token: str, challenge: str, number: int, early_ms: int, twice: bool) -> None:
        device, film = self.tokens[token]
        more: dict[str, Any] = {"token": token, "challenge_hash": challenge, "rules": RULES}
        self.send(asked(device, film, at_ms=self.now_ms - early_ms, number=number, **more), twice)

    @precondition(lambda self: self.playing)
    @rule(back=st.integers(1, 4), early_ms=st.integers(0, SKEW_MS), twice=st.booleans())
    def a_player_beats(self, back: int, early_ms: int, twice: bool) -> None:
        self.send(beat(self.playing[-min(back, len(self.playing))], self.now_ms - early_ms), twice)

    @precondition(lambda self: self.playing)
    @rule(back=st.integers(1, 4), early_ms=st.integers(0, SKEW_MS), twice=st.booleans())
    def a_player_stops(self, back: int, early_ms: int, twice: bool) -> None:
        self.send(stopped(self.playing[-min(back, len(self.playing))], self.now_ms - early_ms), twice)

    @rule(after_ms=st.integers(0, LEASE_MS))
    def time_passes(self, after_ms: int) -> None:
        self.now_ms += after_ms

    # What becomes of the decider, and of its timer.

    @precondition(lambda self: len(self.lives) < MOST_LIVES)
    @rule(seed=st.integers(0, 1000))
    def a_life_begins(self, seed: int) -> None:
        self.lives.append(self.life(random.Random(seed)))

    @precondition(lambda self: self.lives)
    @rule(which=st.integers(0, MOST_LIVES - 1), steps=st.integers(1, 12))
    def a_life_goes_on(self, which: int, steps: int) -> None:
        life = self.lives[which % len(self.lives)]
        for _ in range(steps):
            try:
                life.send(None)
            except StopIteration:
                self.lives.remove(life)
                return

    @precondition(lambda self: self.lives)
    @rule(which=st.integers(0, MOST_LIVES - 1))
    def a_life_is_killed(self, which: int) -> None:
        self.lives.pop(which % len(self.lives)).close()

    @rule(twice=st.booleans())
    def the_timer_looks(self, twice: bool) -> None:
        """The last one set is the one that runs, as the timers' decider has it."""
        dues = [data["due_at_ms"] for _, data in self.said(TIMERS)]
        if dues and self.reminded < dues[-1] <= self.now_ms:
            self.reminded = dues[-1]
            self.send(timer(dues[-1], self.now_ms), twice)

    def judge(self) -> None:
        """The log from its begin: what was wrong at any moment shows at the end."""
        said = [Said(ACCOUNT, kind, data) for kind, data in self.said(EVENTS)]
        assert list(miscounted(said, LIMITS)) == []
        kinds = Counter(each.type for each in said)
        assert kinds[STARTED] == kinds[ENDED]
        grants = Counter(each.data["jti_hash"] for each in said if each.type == GRANTED)
        assert max(grants.values(), default=0) <= 1
        replays = [each for each in said if each.type == DENIED and each.data["code"] == "token_used"]
        told = Counter(each.data["jti_hash"] for each in replays)
        assert max(told.values(), default=0) <= MOST_REPLAYS

    def teardown(self) -> None:
        """Whatever was killed: one life that is left alone catches up, and a lease later nothing plays."""
        for life in self.lives:
            life.close()
        self.lives = [self.life(random.Random(0))]
        self.catch_up()
        self.now_ms += LEASE_MS
        self.the_timer_looks(twice=False)
        self.catch_up()
        self.lives[0].close()
        self.judge()

    def catch_up(self) -> None:
        while self.store.partitions[0].fence < len(self.requests()) - 1:
            self.lives[0].send(None)

    # The log, and the decider as its worker runs it.

    def requests(self) -> list[Any]:
        return self.log.topics[REQUESTS][0]

    def send(self, request: Event, twice: bool) -> None:
        self.sent += 1
        headers = request_headers(request.type, "test", f"r{self.sent}", request.at_ms)
        value = codec().encode(request.type, request.data)
        for _ in range(1 + twice):
            self.log.append(Record(REQUESTS, ACCOUNT, value, headers, request.at_ms))

    def said(self, topic: str) -> Iterator[tuple[str, Any]]:
        """A record that was sent again, once."""
        once = {dict(each.headers)["ce_id"]: each for each in reversed(self.log.topics[topic][0])}
        return (codec().decode(each.value) for each in reversed(once.values()))

    async def life(self, dice: random.Random) -> None:
        encoder = Encoder(codec(), AGENT, [EVENTS, TIMERS], 1_000_000)
        fold = DeciderFold(AGENT, REQUESTS, EVENTS, decide, encoder)
        outputs: Any = DirectOutputs(ModelProducer(self.log))
        applier = Transactor(AGENT, codec(), self.store, fold, outputs, DeadLetters(AGENT, "g"))
        position = await self.store.fence(0) + 1
        applier.applied[0] = position - 1
        while True:
            records = self.requests()[position : position + dice.randrange(1, 5)]
            if not records:
                await switch()
                continue
            try:
                await applier.apply(Chunk(REQUESTS, 0, position, tuple(records)))
            except HoleError:
                return
            position = records[-1].offset + 1


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
