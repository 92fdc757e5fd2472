"""The confined child process: imports everything, gives up the world, then does jobs one at a time.

Started as `python -m streams.media.child <fd> <options as JSON>`; `<fd>` is its end of a socket pair. It
reads sources only by asking for ranges over that socket.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pkgutil
import signal
import socket
import sys
import traceback
from fractions import Fraction
from typing import Any

import av
import orjson
from av.error import ExternalError, FFmpegError

from streams.media import encode_audio, jobs, sandbox
from streams.media.encode_video import warm_up
from streams.media.reasons import MediaProblem
from streams.media.source import BlockCache
from streams.media.wire_child import Channel, Gone
from streams.media.x264 import has_avx512

CPU_SECONDS_WHEN_IDLE = 60
TRACE_CHARACTERS = 4000


class Child:
    """Serves jobs from one channel until it closes."""

    def __init__(self, channel: Channel, memory_bytes: int) -> None:
        self._channel = channel
        self._memory_bytes = memory_bytes
        self._open: jobs.OpenSource | None = None

    def serve(self) -> None:
        """Blocks until the worker closes the channel."""
        with contextlib.suppress(Gone):
            while True:
                message, _ = self._channel.receive()
                sandbox.allow_cpu(message["cpu_s"])
                self._answer(message)
                sandbox.allow_cpu(CPU_SECONDS_WHEN_IDLE)

    def _answer(self, message: dict[str, Any]) -> None:
        try:
            source = self._source(message["source_key"], message["source_size"])
            answer, blobs = jobs.run(message["job"], message["arguments"], source, self._report())
        except MediaProblem as problem:
            self._drop_source()
            self._channel.send({"kind": "problem", "code": problem.code, "detail": problem.detail})
        except MemoryError:
            self._drop_source()
            detail = f"more than {self._memory_bytes} bytes of memory are needed"
            self._channel.send({"kind": "problem", "code": "decompression_bomb", "detail": detail})
        except ExternalError as error:  # x264 could not do its part: no word on the source
            self._drop_source()
            self._channel.send({"kind": "failed", "detail": _trace(error)})
        except FFmpegError as error:
            self._drop_source()
            self._channel.send({"kind": "problem", "code": "damaged", "detail": _trace(error)})
        except Gone:
            raise
        except Exception as error:
            self._drop_source()
            self._channel.send({"kind": "failed", "detail": _trace(error)})
        else:
            self._channel.send({"kind": "done", "answer": answer}, blobs)

    def _source(self, key: str, size: int) -> jobs.OpenSource:
        if self._open is None or self._open.key != key:
            self._drop_source()
            self._open = jobs.OpenSource(key, BlockCache(size, self._read))
        return self._open

    def _drop_source(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
            gc.collect()

    def _read(self, start: int, end: int) -> bytes:
        self._channel.send({"kind": "read", "start": start, "end": end})
        message, blobs = self._channel.receive()
        if message["kind"] != "bytes":
            raise OSError(f"the worker cannot read bytes {start}-{end} of the source")
        return blobs[0]

    def _report(self) -> jobs.Report:
        told = -1

        def report(percent: int) -> None:
            nonlocal told
            if percent >= told + 5 or (percent == 100 and told < 100):
                told = percent
                self._channel.send({"kind": "progress", "percent": percent})

        return report


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-TRACE_CHARACTERS:]


def import_everything() -> None:
    """PyAV imports parts of itself on first use; a confined process could not."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides when a child ends
    av.logging.set_level(None)
    import_everything()
    has_avx512()  # remembered: a confined process cannot ask
    descriptor, options = int(arguments[0]), orjson.loads(arguments[1])
    sandbox.die_with(options["parent"])
    channel = Channel(socket.socket(fileno=descriptor))
    if options["nice"]:
        os.nice(options["nice"])
    try:
        mode = sandbox.confine(allow_unconfined=options["allow_unconfined"])
    except MediaProblem as problem:
        channel.send({"kind": "problem", "code": problem.code, "detail": problem.detail})
        return
    sandbox.limit(options["memory_bytes"])
    warm_up(Fraction(24))
    encode_audio.warm_up()
    channel.send({"kind": "ready", "mode": mode, "process": os.getpid()})
    Child(channel, options["memory_bytes"]).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
