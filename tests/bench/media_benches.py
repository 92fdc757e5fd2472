"""What a ladder costs, as benches: figures of `media.py` in turns with their peers."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from tests.bench import media
from tests.bench.harness import OURS, Bench, Goal


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="kinolog-bench-media-")  # removed with the process


@functools.cache
def _clip() -> Path:
    return media.bench_clip(Path(_folder().name))


@functools.cache
def _long_clip() -> Path:
    return media.bench_clip(Path(_folder().name), times=3)


def benches() -> list[Bench]:
    """`media.ladder_cpu_s`: CPU seconds of all rungs and the sound of a 20 s film of 1080p, in one process;
    peer: one `ffmpeg` command for the same. `media.ladder_wall_s`: seconds for it with two warm processes;
    peer: the same with `one-process`. `media.worker_mb`: largest resident memory of the encoding process for
    a film three times as long; peer: for the `short-film`, so that memory that grows with length shows.

    `drm.encrypt_cpu_ratio`: CPU seconds of the same ladder with every chunk encrypted; peer: in `clear`.

    The film is made at the first figure. A machine without ffmpeg fails there, with the remedy.
    """
    return [
        Bench(
            "media.ladder_cpu_s", "s", True,
            {OURS: lambda: media.ours_cpu_s(_clip()), "ffmpeg": lambda: media.ffmpeg_cpu_s(_clip())},
            [Goal("ffmpeg", 1.05)],
        ),
        Bench(
            "media.ladder_wall_s", "s", True,
            {
                OURS: lambda: media.ours_wall_s(_clip()),
                "one-process": lambda: media.one_process_wall_s(_clip()),
            },
            [Goal("one-process", 0.65)],
        ),
        Bench(
            "media.worker_mb", "MB", True,
            {
                OURS: lambda: media.worker_memory_mb(_long_clip()),
                "short-film": lambda: media.worker_memory_mb(_clip()),
            },
            [Goal("short-film", 1.1)],
        ),
        Bench(
            "drm.encrypt_cpu_ratio", "s", True,
            {OURS: lambda: media.protected_cpu_s(_clip()), "clear": lambda: media.ours_cpu_s(_clip())},
            [Goal("clear", 1.05)],
        ),
    ]  # fmt: skip
