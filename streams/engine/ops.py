"""What a projector writes beside its documents: commands to keys of its own, below the partition's tag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

Arg = str | bytes | int | float
COMMANDS: Final = frozenset(
    (
        "SET", "DEL", "HSET", "HDEL", "HINCRBY", "RPUSH", "LPUSH", "LTRIM", "LREM", "SADD", "SREM", "ZADD",
        "ZREM", "ZINCRBY", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "EXPIRE", "EXPIREAT", "XADD", "XDEL",
        "XTRIM", "SPUBLISH",
    )
)  # fmt: skip
_RESERVED: Final = frozenset(("meta", "state", "seen"))
# Commands that do to many arguments what they do to each in turn -> how many belong together.
_VARIADIC: Final = {
    "HSET": 2, "HDEL": 1, "RPUSH": 1, "LPUSH": 1, "SADD": 1, "SREM": 1, "ZADD": 2, "ZREM": 1,
}  # fmt: skip
_MERGED_ARGS: Final = 4_000  # of one merged command: Lua's stack holds about 8,000


class Op:
    """One write to a key of the projection's own: `{tag}:<suffix>`. Raises ValueError for other commands.

    SPUBLISH publishes on the sharded channel of that name: who listens hears of it once the write is done.
    """

    __slots__ = ("args", "command", "suffix")

    def __init__(self, command: str, suffix: str, *args: Arg) -> None:
        if command not in COMMANDS:
            command = command.upper()
            if command not in COMMANDS:
                raise ValueError(
                    f"Op {command!r} is not allowed: expected one of {', '.join(sorted(COMMANDS))}"
                )
        self.command = command
        if suffix in _RESERVED or suffix[:8] == "outcome:":
            raise ValueError(f"Op on {suffix!r}: this key is the engine's own, choose another suffix")
        self.suffix = suffix
        self.args = args

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Op) and _op(self) == _op(other)

    def __hash__(self) -> int:
        return hash(_op(self))

    def __repr__(self) -> str:
        return f"Op{_op(self)}"


def _op(op: Op) -> tuple[Arg, ...]:
    return (op.command, op.suffix, *op.args)


def merged(ops: Sequence[Op]) -> list[tuple[str, str, list[Arg]]]:
    """(command, suffix, arguments), where neighbours of one kind on one key are one command.

    Of what they set to one field or member only the last is sent.
    """
    result: list[tuple[str, str, list[Arg], int]] = []
    command = suffix = ""
    own: list[Arg] = []
    width = -1  # of what may be merged with the last one: -1 is no number of arguments
    for op in ops:
        args = op.args
        if (
            op.command == command
            and op.suffix == suffix
            and len(args) == width
            and len(own) < _MERGED_ARGS
            and not (command == "ZADD" and isinstance(args[0], (str, bytes)))
        ):
            own += args
            continue
        command, suffix, own = op.command, op.suffix, list(args)
        width = len(args) if _plain(command, args) else -1
        result.append((command, suffix, own, width))
    return [
        (command, suffix, _lasting(command, own) if width == 2 else own)
        for command, suffix, own, width in result
    ]


def _lasting(command: str, pairs: list[Arg]) -> list[Arg]:
    """The field+value of HSET or score+member of ZADD that no later ones overwrite."""
    by_name = command == "HSET"
    names, values = (pairs[::2], pairs[1::2]) if by_name else (pairs[1::2], pairs[::2])
    last = dict(zip(names, values, strict=True))
    if len(last) == len(names) or any(type(name) is not str for name in last):
        return pairs  # of other types: 7 and "7" are two here and one to Redis
    return [arg for name, value in last.items() for arg in ((name, value) if by_name else (value, name))]


def _plain(command: str, args: tuple[Arg, ...]) -> bool:
    """Whether the arguments are whole groups and nothing else: ZADD's options make it another command."""
    width = _VARIADIC.get(command)
    if width is None or len(args) != width:
        return False
    return command != "ZADD" or not isinstance(args[0], (str, bytes))
