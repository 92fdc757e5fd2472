"""How often a client may ask, as data: classes of routes, and a rate for each thing that is counted in them.

A route names its class; without one it is `read` or `write` by its method, and with `limits=None` nothing of
it is counted: segments, playlists, pages and health, whose cost is bandwidth and not requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

USER: Final = "user"
KEY: Final = "key"
IP: Final = "ip"
COUNTED: Final = (USER, KEY, IP)
READ: Final = "read"
WRITE: Final = "write"
SIGN_IN: Final = "sign-in"
REFUSED: Final = "refused"
BEAT: Final = "beat"
MESSAGE: Final = "message"
ROOM: Final = "room"
OFF: Final = "off"
_RATE: Final = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,5})")


class Rate(NamedTuple):
    """`most` requests in any `per_s` seconds, all of which may come at once."""

    most: int
    per_s: int

    @property
    def each_us(self) -> int:
        """Microseconds after which one more request is allowed; at least 1."""
        return max(1, self.per_s * 1_000_000 // self.most)

    @property
    def burst_us(self) -> int:
        """How far ahead of the even pace requests may run, microseconds."""
        return self.each_us * self.most


class RatesWrong(ValueError):
    """RATE_LIMITS says something that is no rate."""


Rates = Mapping[str, Mapping[str, Rate]]

# Far above what people and players need, and about what one gateway can answer: they stop loops gone wild.
DEFAULTS: Final[Rates] = {
    READ: {USER: Rate(30_000, 60), KEY: Rate(30_000, 60), IP: Rate(120_000, 60)},
    WRITE: {USER: Rate(6000, 60), KEY: Rate(6000, 60), IP: Rate(30_000, 60)},
    # One network may be a school: the account's own lockout is what stops guessing of one password.
    SIGN_IN: {IP: Rate(1200, 60)},
    # Of chat, edits included; a room's slow mode is its own.
    MESSAGE: {USER: Rate(120, 60), IP: Rate(30_000, 60)},
    # Rooms that people open; those of films open by themselves.
    ROOM: {USER: Rate(20, 3600)},
    # Reports of players: one each ten seconds or so, and a network may be a school.
    BEAT: {IP: Rate(60_000, 60)},
    # Credentials that turned out wrong.
    REFUSED: {IP: Rate(6000, 60)},
}


def rates(overrides: Mapping[str, Mapping[str, str]]) -> Rates:
    """DEFAULTS with `overrides` such as {"sign-in": {"ip": "20/60"}}; `off` stops counting.

    Raises RatesWrong naming what is wrong and what it takes.
    """
    found = {name: dict(counted) for name, counted in DEFAULTS.items()}
    for name, changes in overrides.items():
        if name not in found:
            raise RatesWrong(f"RATE_LIMITS: there is no class {name!r}; there are {', '.join(found)}")
        for counted, text in changes.items():
            if counted not in COUNTED:
                raise RatesWrong(f"RATE_LIMITS.{name}: {counted!r} is not one of {', '.join(COUNTED)}")
            if text == OFF:
                found[name].pop(counted, None)
                continue
            match = _RATE.fullmatch(text)
            if match is None:
                raise RatesWrong(
                    f"RATE_LIMITS.{name}.{counted}: {text!r} is no rate; write requests/seconds or off"
                )
            found[name][counted] = Rate(int(match.group(1)), int(match.group(2)))
    return found
