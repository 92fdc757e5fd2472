"""Structured logs: one JSON object a line on standard error, with the trace id of the task that spoke.

Libraries that use `logging` come out in the same form; our own lines do not go through it, which would cost a
request more than everything else that is done for it. Bind what a whole task is about with
`structlog.contextvars.bound_contextvars(asset_id=...)`.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any, Final, TextIO

import orjson
import structlog

from streams.core import tracing
from streams.core.settings import Settings

_SECRET: Final = frozenset(
    {"authorization", "cookie", "password", "secret", "session_secret", "api_key", "token"}
)
# A failure's code, status or exit code is shown; anything else under the name may be a sign-in code.
_PLAIN_CODE: Final = re.compile(r"-?[0-9]{1,5}|[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_LONGEST_PLAIN_CODE: Final = 40
_QUIET: Final = ("aiokafka", "faust", "mode", "aiohttp.access", "urllib3", "asyncio")

# Frames without their local variables: those hold settings, keys and people's data.
_tracebacks: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)

get_logger = structlog.stdlib.get_logger


def configure_logging(settings: Settings, process: str, stream: TextIO | None = None) -> None:
    """Call once when a process starts; `process` names it in every line. Later calls replace earlier ones."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Standing(process),
        _hide_secrets,
        structlog.processors.StackInfoRenderer(),
    ]
    if settings.log_format == "json":
        ending: list[Any] = [_tracebacks, structlog.processors.JSONRenderer(_json)]
    else:
        ending = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    handler = logging.StreamHandler(stream or sys.stderr)
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        logger_factory=partial(_Lines, handler),
        cache_logger_on_first_use=False,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.PositionalArgumentsFormatter()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _QUIET:
        quiet = logging.getLogger(name)
        quiet.handlers = []
        quiet.propagate = True
        quiet.setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))


class _Lines:
    """What structlog hands its lines to. Like `logging`, it never raises: a log that is full stops nobody."""

    def __init__(self, handler: logging.StreamHandler[TextIO], name: str = "kinolog") -> None:
        self.name = name
        self._handler = handler

    def msg(self, line: str) -> None:
        """Write one line; the lock is also that of libraries' lines."""
        with suppress(OSError, ValueError), self._handler.lock or nullcontext():
            self._handler.stream.write(f"{line}\n")
            self._handler.flush()

    debug = info = warning = error = critical = msg


class _Standing:
    """Adds what is true of every line: the process, and the trace if there is one."""

    def __init__(self, process: str) -> None:
        self.process = process

    def __call__(self, _: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line["process"] = self.process
        trace_id = tracing.trace_id()
        if trace_id:
            line["trace_id"] = trace_id
        return line


def _hide_secrets(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in line.keys() & _SECRET:
        line[name] = "(hidden)"
    if line.get("code") is not None:
        code = str(line["code"])
        if len(code) > _LONGEST_PLAIN_CODE or not _PLAIN_CODE.fullmatch(code):
            line["code"] = "(hidden)"
    return line


def _json(line: Any, **_: Any) -> str:
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
