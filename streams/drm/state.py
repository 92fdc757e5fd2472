"""What the decider of an account remembers."""

from __future__ import annotations

from typing import Final, NotRequired, TypedDict

TOKEN_MS: Final = 600_000
"""How long a token's use is remembered: longer than any token is good for."""
AGAIN_MS: Final = 60_000
"""Until when the same request is given the same licence again."""
MOST_REPLAYS: Final = 3
"""Replays of a token that the licence log tells of; of a flood, the rest are refused and not told."""
MOST_DEVICES: Final = 100
"""Devices of an account that are remembered, whatever its policies say."""


class Right(TypedDict):
    """`until_ms` null: for ever."""

    kind: str
    until_ms: int | None


class Stream(TypedDict):
    """A film that plays on a device; `lease_ms` is how long it counts after a beat."""

    asset_id: str
    device_id: str
    until_ms: int
    lease_ms: int


class Token(TypedDict):
    """A token that was used: for which request, and what came of it."""

    licence_id: str
    device_id: str
    challenge_hash: str
    at_ms: int
    replays: NotRequired[int]  # that were refused and told of; absent: none


class State(TypedDict):
    """The decider's document of one account."""

    rights: dict[str, Right]  # by asset_id, or ALL_FILMS
    devices: list[str]
    streams: dict[str, Stream]  # by stream_id
    stopped: bool
    stopped_devices: list[str]
    tokens: dict[str, Token]  # by jti_hash, the oldest first
    timer_at_ms: int | None  # due time of the timer that runs
    erased: NotRequired[bool]  # for ever: nobody comes back


def nothing() -> State:
    """Of an account that nobody has heard of."""
    return {
        "rights": {}, "devices": [], "streams": {}, "stopped": False, "stopped_devices": [], "tokens": {},
        "timer_at_ms": None,
    }  # fmt: skip
