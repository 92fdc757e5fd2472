"""An event as code sees it. What its Kafka headers say is read when it is asked for (`schemas.headers` writes
them). Its time is the Kafka record's own timestamp, so that no reader parses `ce_time`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

from schemas.errors import WireError

REDRIVE_AGENT: Final = "redrive_agent"  # header of a dead letter that was put back on its topic
MAX_INDEX: Final = 0xFFFF  # outputs of one input event
_READ: Final = frozenset({"ce_id", "causation_id", "traceparent", REDRIVE_AGENT, "src"})

# Where an agent's output came from: (origin, "agent|input topic|input partition"; position, input offset
# << 16 | index among the outputs of that input). Readers keep the highest position per origin. A plain
# tuple: a named one takes a third of the time it takes to read an event's headers.
Src = tuple[str, int]


class Event:
    """One decoded event. Treat as immutable: `data` is the dict that fastavro made.

    `id` ce_id · `at_ms` milliseconds since 1970 · `cause` ce_id of what caused it or "" · `trace`
    traceparent or "" · `src` set on agents' outputs. Of events from Kafka those are parsed on first use
    (`Unread`, `Output`), which raises WireError where one is unreadable.
    """

    __slots__ = (
        "_headers", "at_ms", "cause", "data", "id", "key", "offset", "partition", "redriven", "src", "topic",
        "trace", "type",
    )  # fmt: skip

    type: str
    key: str
    data: dict[str, Any]
    id: str
    at_ms: int
    cause: str
    trace: str
    topic: str
    partition: int
    offset: int
    src: Src | None
    redriven: str  # the one agent that a returned dead letter is for, "" for every other event

    def __init__(
        self,
        type: str,
        key: str,
        data: dict[str, Any],
        id: str = "",
        at_ms: int = 0,
        cause: str = "",
        trace: str = "",
        topic: str = "",
        partition: int = 0,
        offset: int = 0,
        src: Src | None = None,
    ) -> None:
        self.type = type
        self.key = key
        self.data = data
        self.id = id
        self.at_ms = at_ms
        self.cause = cause
        self.trace = trace
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.src = src
        self.redriven = ""
        self._headers: Sequence[tuple[str, bytes]] | None = None

    def read_causes(self) -> None:
        """Fill in `src` and `cause`, and of all but an agent's output the rest, too. Raises WireError.

        Most projectors ask for nothing else of an output: its `id` and `trace` are read when asked for.
        """
        headers = self._headers or ()
        if len(headers) == 9:  # an output as we write it, with these two at its end
            eighth, cause = headers[7]
            ninth, src = headers[8]
            if eighth == "causation_id" and ninth == "src":
                try:
                    self.src = parse_src(src)
                    self.cause = cause.decode()
                    self.redriven = ""
                    self.__class__ = Output
                    return
                except (ValueError, AttributeError):
                    pass  # said in full by the other one
        self.read_headers()

    def read_headers(self) -> None:
        """Fill in what the headers say. Raises WireError where one that we read is not as we write them."""
        headers = self._headers or ()
        try:
            count = len(headers)
            # As we write them, at their places: nearly all that agents read. Anything else by its names.
            if (
                6 < count < 10
                and headers[0][0] == "ce_id"
                and headers[6][0] == "traceparent"
                and (count == 7 or headers[7][0] == "causation_id")
                and (count < 9 or headers[8][0] == "src")
            ):
                id, trace = headers[0][1].decode(), headers[6][1].decode()
                cause = headers[7][1].decode() if count > 7 else ""
                src = parse_src(headers[8][1]) if count == 9 else None
                redriven = ""
            else:
                found = dict(headers)
                id, trace = found.get("ce_id", b"").decode(), found.get("traceparent", b"").decode()
                cause = found.get("causation_id", b"").decode()
                src = parse_src(found["src"]) if "src" in found else None
                redriven = found.get(REDRIVE_AGENT, b"").decode()
        except (ValueError, AttributeError) as error:  # other bytes than we write, or none at all
            read = {name: text for name, text in headers if name in _READ}
            raise WireError(f"{self.type} has an unreadable header, one of {read}: {error!r}") from error
        self.__class__ = Event
        self.id = id
        self.cause = cause
        self.trace = trace
        self.src = src
        self.redriven = redriven

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits, or "" where the producer gave no traceparent."""
        return self.trace[3:35]

    @property
    def source(self) -> str:
        """`ce_source` of a record read from Kafka: the gateway or agent that wrote it."""
        raw = dict(self._headers or ()).get("ce_source", b"")
        try:
            return raw.decode()
        except (ValueError, AttributeError) as error:
            raise WireError(f"{self.type} has an unreadable header ce_source, {raw!r}: {error!r}") from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Event.__slots__[1:])

    __hash__ = None  # type: ignore[assignment]  # holds a dict

    def __repr__(self) -> str:
        place = f"{self.topic}/{self.partition}@{self.offset}"
        return f"Event({self.type} key={self.key} id={self.id} {place} {self.data})"


# Events whose headers are not read yet are of classes of their own; reading makes plain ones of them. With a
# `__getattr__` instead, the interpreter would look up each use of any attribute anew: ten times as dear.


class Unread(Event):
    """An event of which no header is read yet."""

    __slots__ = ()


class Output(Event):
    """An agent's output of which `src` and `cause` are read."""

    __slots__ = ()


def _read_late(name: str) -> property:
    slot: Any = Event.__dict__[name]

    def read(event: Event) -> Any:
        event.read_headers()
        return slot.__get__(event)

    return property(read)


for _name in ("id", "trace", "cause", "redriven", "src"):
    setattr(Unread, _name, _read_late(_name))
for _name in ("id", "trace"):
    setattr(Output, _name, _read_late(_name))


def parse_src(raw: bytes) -> Src:
    """Src of a header's bytes. Raises ValueError if it is not one."""
    origin, offset, index = raw.decode().rsplit("|", 2)
    at = int(offset)
    number = 0 if index == "0" else int(index)  # of most inputs there is one output
    if at < 0 or not 0 <= number <= MAX_INDEX:
        raise ValueError(f"src {raw!r}: expected agent|topic|partition|offset|index (0..{MAX_INDEX})")
    return origin, at << 16 | number


def deterministic_id(*parts: str) -> str:
    """32 hexadecimal digits, the same for the same parts, whatever characters they hold."""
    return blake2b("".join(f"{len(p)}:{p}" for p in parts).encode(), digest_size=16).hexdigest()
