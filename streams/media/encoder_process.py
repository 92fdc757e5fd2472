"""One confined child process, as the worker holds it: start it, give it a job, end it.

Every method blocks and is called from a thread of the pool; `kill` may be called from any.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from streams.media.reasons import MediaProblem
from streams.media.source import ByteSource
from streams.media.wire_child import Channel, Gone

ROOT = Path(__file__).resolve().parents[2]
LONGEST_READ_BYTES = 16 << 20
EXIT_GRACE_S = 2
ENVIRONMENT_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """How a child is confined. `nice` is for good: an unprivileged process cannot take it back."""

    memory_bytes: int = 2 << 30
    nice: int = 0
    allow_unconfined: bool = False


class SourceUnreadable(Exception):
    """The bytes of the source could not be fetched; the source itself is not to blame. Try again."""


class EncoderFailed(Exception):
    """The child ended or failed for no reason of the source that is known. Try again, a few times."""


class EncoderProcess:
    """A child that does one job at a time and keeps the last source open between jobs."""

    def __init__(self, options: ProcessOptions) -> None:
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self.source_key = ""
        self.sandbox_mode = ""
        self._waited_s = 0.0
        self._waits_since: float | None = None

    @property
    def waited_s(self) -> float:
        """Seconds of the present job in which the child waited for bytes of its source."""
        since = self._waits_since
        return self._waited_s + (time.monotonic() - since if since is not None else 0.0)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start and wait until it is warm; MediaProblem `sandbox_unavailable` where it cannot be confined.

        Call it from a thread that lives as long as the child may: it dies with it.
        """
        ours, theirs = socket.socketpair()
        options = {
            "memory_bytes": self._options.memory_bytes,
            "nice": self._options.nice,
            "allow_unconfined": self._options.allow_unconfined,
            "parent": os.getpid(),
        }
        environment = {name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ}
        environment |= {"PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "4"}
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "streams.media.child",
                    str(theirs.fileno()),
                    orjson.dumps(options).decode(),
                ],
                pass_fds=(theirs.fileno(),),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C at a terminal goes to the worker, which ends its children
            )
        self._channel = Channel(ours)
        self.source_key = ""
        message, _ = self._receive(self._channel)
        if message["kind"] == "problem":
            raise MediaProblem(message["code"], message["detail"])
        self.sandbox_mode = message["mode"]

    def run(
        self,
        job: str,
        arguments: dict[str, Any],
        source: ByteSource,
        cpu_s: float,
        on_progress: Callable[[int], None],
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Do a job, serving the child's reads from `source`. Raises MediaProblem, SourceUnreadable or
        EncoderFailed; after the latter the child may be dead."""
        if self._channel is None:
            raise EncoderFailed("the encoder process was not started")
        channel, self.source_key = self._channel, source.key
        self._waited_s = 0.0
        unreadable: OSError | None = None
        self._send(
            channel,
            {
                "job": job,
                "arguments": arguments,
                "cpu_s": cpu_s,
                "source_key": source.key,
                "source_size": source.size,
            },
        )
        while True:
            message, blobs = self._receive(channel)
            match message["kind"]:
                case "read":
                    try:
                        data = self._read(source, message["start"], message["end"])
                    except OSError as error:
                        unreadable = error
                        self._send(channel, {"kind": "unreadable"})
                    else:
                        self._send(channel, {"kind": "bytes"}, [data])
                case "progress":
                    on_progress(int(message["percent"]))
                case "done":
                    return message["answer"], blobs
                case _ if unreadable is not None:
                    raise SourceUnreadable(str(unreadable)) from unreadable
                case "problem":
                    raise MediaProblem(message["code"], message["detail"])
                case _:
                    raise EncoderFailed(str(message.get("detail", message)))

    def kill(self) -> None:
        """End it at once; a `run` in another thread then raises EncoderFailed."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End it and wait for its end."""
        self.kill()
        if self._process is not None:
            self._process.wait()
        if self._channel is not None:
            self._channel.close()
        self._process = self._channel = None

    def _end(self) -> int:
        """Its exit code; a child that closed its channel and lives on is killed."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(EXIT_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _read(self, source: ByteSource, start: int, end: int) -> bytes:
        """A range the child asks for; one outside the source ends the child, it is not ours any more."""
        if not 0 <= start < end <= source.size or end - start > LONGEST_READ_BYTES:
            self.kill()
            raise EncoderFailed(f"the encoder process asked for bytes {start}-{end} of {source.size}")
        self._waits_since = began = time.monotonic()
        try:
            return source.read(start, end)
        finally:
            self._waits_since = None
            self._waited_s += time.monotonic() - began

    def _send(self, channel: Channel, message: dict[str, Any], blobs: list[bytes] | None = None) -> None:
        # A closed channel shows itself, with its cause, at the next receive.
        with contextlib.suppress(Gone):
            channel.send(message, blobs or [])

    def _receive(self, channel: Channel) -> tuple[dict[str, Any], list[bytes]]:
        try:
            return channel.receive()
        except Gone as gone:
            code = self._end()
            if code == -signal.SIGXCPU:
                raise MediaProblem("decompression_bomb", "the CPU time of the job is used up") from None
            ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            raise EncoderFailed(f"the encoder process ended with {ended}: {gone}") from None
