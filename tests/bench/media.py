"""What a ladder costs: CPU against the ffmpeg command, wall time against ourselves in one process.

Plain functions that give figures; the runner takes turns between ours and the peers and reports medians.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import psutil

from schemas.media.events import KeyName
from schemas.media.plan import Plan
from schemas.media.protection import labels_of
from streams.media.encrypting import encrypted
from streams.media.plan import make_plan, protected
from streams.media.pool import EncoderPool, PoolSettings
from streams.media.x264 import CRF, PRESET
from tests.media_fixtures.numbered import make_clip
from tests.media_fixtures.sources import FileSource

PEER_PYTHON = Path(__file__).resolve().parents[2] / ".venv-bench" / "bin" / "python"
CLIP_FRAMES = 480


def bench_clip(folder: Path, times: int = 1) -> Path:
    """A 1080p film of `times` 20 s with stereo sound; moving all over, so dear to encode."""
    path = folder / f"bench-{times}.mov"
    make_clip(path, frame_count=CLIP_FRAMES * times, fps=Fraction(24), width=1920, height=1080)
    return path


def ours_cpu_s(clip: Path, processes: int = 1) -> float:
    """CPU seconds of worker and pool for the whole ladder and sound; one process, as the peer is one."""
    return asyncio.run(_ladder(clip, processes))[0]


def ours_wall_s(clip: Path, processes: int = 2) -> float:
    """Seconds from the plan to the last segment with warm processes."""
    return asyncio.run(_ladder(clip, processes))[1]


def one_process_wall_s(clip: Path) -> float:
    """The same with one process."""
    return ours_wall_s(clip, 1)


def ffmpeg_cpu_s(clip: Path) -> float:
    """CPU seconds of one ffmpeg command that makes the same rungs and sound, decoding once."""
    plan = asyncio.run(_plan(clip))
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(_command(clip, plan, Path(folder)), check=True, stdin=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def protected_cpu_s(clip: Path) -> float:
    """CPU seconds of `ours_cpu_s` where every chunk is encrypted besides, the packager's among them."""
    return asyncio.run(_ladder(clip, 1, protect=True))[0]


def worker_memory_mb(clip: Path) -> float:
    """Largest resident memory of a process over the whole ladder, in MB (10^6 bytes)."""
    return asyncio.run(_ladder(clip, 1))[2]


def ffmpeg_binary() -> str:
    """The ffmpeg of the machine, else the one in the peers' environment; an error says how to get one."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    ask = [str(PEER_PYTHON), "-c", "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())"]
    try:
        return subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError("no ffmpeg to compare with: run `make setup-bench`, or install ffmpeg") from error


def _command(clip: Path, plan: Plan, folder: Path) -> list[str]:
    rungs = plan["renditions"]
    split = f"[0:v]split={len(rungs)}" + "".join(f"[s{i}]" for i in range(len(rungs)))
    scales = [
        f"[s{i}]scale={rung['width']}:{rung['height']}:flags=bilinear[v{i}]" for i, rung in enumerate(rungs)
    ]
    command = [ffmpeg_binary(), "-v", "error", "-y", "-i", str(clip)]
    command += ["-filter_complex", ";".join([split, *scales])]
    for i, rung in enumerate(rungs):
        rate = f"{rung['max_kbps']}k"
        command += ["-map", f"[v{i}]", "-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF)]
        command += ["-maxrate", rate, "-bufsize", rate, "-sc_threshold", "0", "-flags", "+cgop"]
        command += ["-force_key_frames", "expr:gte(t,n_forced*2)", "-pix_fmt", "yuv420p"]
        command += ["-movflags", "+frag_keyframe+empty_moov", str(folder / f"{rung['name']}.mp4")]
    if plan["audio"]["mode"] != "none":
        sound = (
            ["-c:a", "copy"]
            if plan["audio"]["mode"] == "copy"
            else ["-c:a", "aac", "-ac", "2", "-b:a", "128k"]
        )
        command += ["-map", "0:a:0", *sound, str(folder / "sound.mp4")]
    return command


async def _plan(clip: Path) -> Plan:
    pool = EncoderPool(PoolSettings(background=1, reserved=0))
    await pool.start()
    try:
        return make_plan(await pool.probe(FileSource(clip)), "0" * 64)
    finally:
        await pool.stop()


async def _ladder(clip: Path, processes: int, *, protect: bool = False) -> tuple[float, float, float]:
    """(CPU seconds, wall seconds, largest resident MB) of a whole ladder."""
    pool = EncoderPool(PoolSettings(background=processes, reserved=0))
    await pool.start()
    try:
        source = FileSource(clip)
        plan = make_plan(await pool.probe(source), "0" * 64)
        keys = {f"{number:032x}": os.urandom(16) for number, _ in enumerate(labels_of(plan))}
        if protect:
            names = [KeyName(label=label, kid=kid) for label, kid in zip(labels_of(plan), keys, strict=True)]
            plan = protected(
                plan,
                {"scheme": "cbcs", "systems": [], "policy_id": "default", "version": 1, "keys": names},
            )

        async def make(index: int) -> None:
            result = await pool.run_chunk(plan, index, source)
            if protect:
                await asyncio.to_thread(encrypted, plan, result, keys)

        watched = [psutil.Process(process.process_id) for process in pool.processes]
        cpu_before, began = _cpu_s(watched) + _own_cpu_s(), time.monotonic()
        await asyncio.gather(*(make(index) for index in range(plan["chunk_count"])))
        wall_s = time.monotonic() - began
        memory = max(_peak_mb(process.pid) for process in watched)
        return _cpu_s(watched) + _own_cpu_s() - cpu_before, wall_s, memory
    finally:
        await pool.stop()


def _own_cpu_s() -> float:
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _cpu_s(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _peak_mb(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6
