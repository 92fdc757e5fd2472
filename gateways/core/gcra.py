"""The generic cell rate algorithm: one number a counted thing, the time at which it would be back to nothing.

`SCRIPT` does it in Redis for all that one request counts against in one call, `Local` in this process where
Redis does not answer; both give the same answers. If any of them refuses, none of them counts the request.
Nobody waits longer than until a burst is over, whatever was kept: a clock may be put back, a rate changed.
Times are integers in microseconds. See ATM Forum TM 4.1, 4.4.2 (virtual scheduling).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from gateways.core.rates import Rate

# KEYS: one a counted thing. ARGV: now (0: this server's), then per key: each_us, burst_us.
# Returns per key: microseconds until it may go on (0: now), requests that are left, microseconds until full.
SCRIPT: Final = """
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local held, answer, due, refused = redis.call('MGET', unpack(KEYS)), {}, {}, false
for i = 1, #KEYS do
  local each, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  due[i] = math.min(math.max(tonumber(held[i] or '0'), now), now + burst) + each
  local wait = math.max(0, due[i] - burst - now)
  if wait > 0 then refused = true end
  answer[3 * i - 2] = wait
end
for i = 1, #KEYS do
  local each, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  if refused then
    due[i] = due[i] - each
  else
    redis.call('SET', KEYS[i], string.format('%.0f', due[i]), 'PX', math.ceil((due[i] - now) / 1000))
  end
  answer[3 * i - 1] = math.max(0, math.floor((burst - (due[i] - now)) / each))
  answer[3 * i] = due[i] - now
end
return answer
"""


class Count(NamedTuple):
    """How one counted thing stands after a request."""

    wait_us: int
    left: int
    full_us: int


class Local:
    """The same in memory, bounded: what was asked longest ago is forgotten first."""

    __slots__ = ("_due", "_most")

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._due: OrderedDict[str, int] = OrderedDict()

    def take(self, names: Sequence[str], limits: Sequence[Rate], now_us: int) -> list[Count]:
        """Count one request against each of `names`, unless one of them refuses."""
        due = [
            min(max(self._due.get(name, 0), now_us), now_us + rate.burst_us) + rate.each_us
            for name, rate in zip(names, limits, strict=True)
        ]
        waits = [max(0, at - rate.burst_us - now_us) for at, rate in zip(due, limits, strict=True)]
        if any(waits):
            due = [at - rate.each_us for at, rate in zip(due, limits, strict=True)]
        else:
            for name, at in zip(names, due, strict=True):
                self._due[name] = at
                self._due.move_to_end(name)
            while len(self._due) > self._most:
                self._due.popitem(last=False)
        return [
            Count(wait, max(0, (rate.burst_us - (at - now_us)) // rate.each_us), at - now_us)
            for wait, at, rate in zip(waits, due, limits, strict=True)
        ]


class One:
    """The same for a single thing, a connection's messages say: one number."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due = 0

    def take(self, rate: Rate, now_us: int) -> bool:
        """Count one; False, and not counted, if that is too fast."""
        due = min(max(self._due, now_us), now_us + rate.burst_us) + rate.each_us
        if due - rate.burst_us > now_us:
            return False
        self._due = due
        return True
