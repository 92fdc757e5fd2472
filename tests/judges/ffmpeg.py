"""FFmpeg as a judge: it must read a presentation over HTTP to the end without one word of complaint."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping

from tests.judges.report import Problem

TIMEOUT_S = 60


def program(name: str) -> str:
    """Debian's ffmpeg or ffprobe; its absence fails the test with the remedy."""
    found = shutil.which(name)
    if found is None:
        raise AssertionError(f"no {name} here; `make test-judges` installs Debian's ffmpeg where it may")
    return found


def _headers(headers: Mapping[str, str]) -> list[str]:
    return ["-headers", "".join(f"{name}: {value}\r\n" for name, value in headers.items())] if headers else []


def reading_problems(url: str, headers: Mapping[str, str] | None = None) -> list[Problem]:
    """Demux every stream of the presentation and repeat what FFmpeg warns of."""
    command = [program("ffmpeg"), "-nostdin", "-hide_banner", "-v", "warning", *_headers(headers or {})]
    command += ["-i", url, "-map", "0", "-c", "copy", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    found = [
        Problem("ffmpeg.warning", url, line.strip()) for line in done.stderr.splitlines() if line.strip()
    ]
    if done.returncode != 0:
        found.append(Problem("ffmpeg.exit", url, f"ended with code {done.returncode}"))
    return found


def decoded_frames(url: str, stream: str, headers: Mapping[str, str] | None = None) -> int:
    """Frames that ffmpeg decodes from one stream (`v:0`), every error counted as a failure of the test."""
    command = [
        program("ffmpeg"),
        "-nostdin",
        "-hide_banner",
        "-v",
        "error",
        "-xerror",
        *_headers(headers or {}),
    ]
    command += [
        "-i",
        url,
        "-map",
        f"0:{stream}",
        "-fps_mode",
        "passthrough",
        "-f",
        "null",
        "-progress",
        "-",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise AssertionError(f"ffmpeg could not decode {stream} of {url}: {done.stderr.strip()[-800:]}")
    return int(re.findall(r"^frame=(\d+)", done.stdout, re.MULTILINE)[-1])
