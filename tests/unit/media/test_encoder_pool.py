"""Confined child processes: what they can do, what they cannot, and what happens when they end."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from schemas.media.plan import AUDIO_RENDITION
from schemas.media.storyboard import layout_of
from streams.media import sandbox
from streams.media.answers import ChunkResult
from streams.media.encoder_process import EncoderFailed, EncoderProcess, SourceUnreadable
from streams.media.plan import make_plan
from streams.media.pool import EncoderPool, PoolSettings
from streams.media.reasons import MediaProblem
from streams.media.source import Part, PartSource
from streams.media.wire_child import Channel, Gone
from tests.media_fixtures.films import Film, encode_file, probe_file
from tests.media_fixtures.odd_clips import Recipe
from tests.media_fixtures.sources import BytesSource, FileSource

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILM = Recipe(width=640, height=360, frame_count=150)
Clip = Callable[[Recipe], Path]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[EncoderPool]:
    made = EncoderPool(PoolSettings(background=1, reserved=1))
    await made.start()
    yield made
    await made.stop()


def parts_of(path: Path, size: int) -> PartSource:
    data = path.read_bytes()
    pieces = {str(i): data[i : i + size] for i in range(0, len(data), size)}
    parts = [Part(name, len(piece)) for name, piece in pieces.items()]
    return PartSource(f"parts:{path}:{size}", parts, lambda name, start, end: pieces[name][start:end])


def same_bytes(result: ChunkResult, film: Film) -> bool:
    first = result["first_segment_number"]
    return all(
        {rendition["init"]} == film.inits[name]
        and rendition["segments"] == film.segments[name][first : first + len(rendition["segments"])]
        for name, rendition in result["renditions"].items()
    )


async def test_a_chunk_from_parts_is_the_same_bytes_in_any_process_and_order(
    pool: EncoderPool, clip: Clip
) -> None:
    film = encode_file(clip(FILM))
    source = parts_of(clip(FILM), 50_000)
    plan = make_plan(await pool.probe(source), "0" * 64)
    assert plan == film.plan
    for index in reversed(range(plan["chunk_count"])):
        heard: list[int] = []
        priority = index % 2  # urgent work gives its rungs threads of their own
        result = await pool.run_chunk(plan, index, source, priority=priority, on_progress=heard.append)
        assert set(result["renditions"]) == {"360p", AUDIO_RENDITION}
        assert result["renditions"]["360p"]["codecs"].startswith("avc1.64")
        assert result["renditions"][AUDIO_RENDITION]["codecs"] == "mp4a.40.2"
        assert same_bytes(result, film)
        assert (result["poster"] is not None) == (index == 0)
        assert heard == sorted(heard)
        assert heard[-1] == 100


async def test_a_cancelled_job_ends_its_process_and_a_new_one_gives_the_same_bytes(
    pool: EncoderPool, clip: Clip
) -> None:
    film = encode_file(clip(FILM))
    source = FileSource(clip(FILM))
    before = {process.process_id for process in pool.processes}
    begun = asyncio.Event()
    job = asyncio.create_task(pool.run_chunk(film.plan, 1, source, on_progress=lambda _: begun.set()))
    await begun.wait()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert same_bytes(await pool.run_chunk(film.plan, 1, source), film)
    assert len(before - {process.process_id for process in pool.processes}) == 1


async def test_a_killed_process_is_an_error_that_can_be_retried(pool: EncoderPool, clip: Clip) -> None:
    film = encode_file(clip(FILM))
    source = FileSource(clip(FILM))

    def kill(_: int) -> None:
        for process in pool.processes:
            if process.source_key == source.key:
                process.kill()

    with pytest.raises(EncoderFailed, match="SIGKILL"):
        await pool.run_chunk(film.plan, 0, source, on_progress=kill)
    assert same_bytes(await pool.run_chunk(film.plan, 0, source), film)


async def test_a_process_that_does_not_start_again_at_once_is_tried_until_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.media.pool.RESPAWN_PAUSE_S", 0)
    pool = EncoderPool(PoolSettings(background=1, reserved=0))
    failures = [EncoderFailed("killed while it warmed up"), OSError("no more processes")]

    def start(_: EncoderProcess) -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr(EncoderProcess, "start", start)
    [process] = pool.processes
    await pool._respawn(process)
    assert failures == []
    assert pool._idle == {process}
    await pool.stop()


async def test_urgent_work_does_not_wait_for_other_work(pool: EncoderPool, clip: Clip) -> None:
    film = encode_file(clip(FILM))
    source = FileSource(clip(FILM))
    ended: list[str] = []

    async def chunk(name: str, priority: int) -> None:
        await pool.run_chunk(film.plan, 0, source, priority=priority)
        ended.append(name)

    background = [asyncio.create_task(chunk("background", 5)) for _ in range(3)]
    await asyncio.sleep(0)
    await chunk("urgent", 0)
    assert ended.count("background") < 3
    await asyncio.gather(*background)


async def test_a_refused_source_gives_its_code(pool: EncoderPool) -> None:
    with pytest.raises(MediaProblem) as caught:
        await pool.probe(BytesSource("letter", b"This is a letter.\n" * 500))
    assert caught.value.code == "not_video"
    with pytest.raises(MediaProblem) as caught:
        await pool.probe(BytesSource("nothing", b""))
    assert caught.value.code == "empty"


async def test_parts_that_cannot_be_read_are_not_the_sources_fault(pool: EncoderPool) -> None:
    def fail(name: str, start: int, end: int) -> bytes:
        raise OSError("the store is down")

    with pytest.raises(SourceUnreadable, match="the store is down"):
        await pool.probe(PartSource("unreadable", [Part("a", 1000)], fail))
    assert all(process.alive for process in pool.processes)


async def test_a_job_over_its_time_is_ended(clip: Clip) -> None:
    pool = EncoderPool(PoolSettings(background=1, reserved=0, chunk_timeout_s=0.01))
    await pool.start()
    film = encode_file(clip(FILM))
    with pytest.raises(MediaProblem) as caught:
        await pool.run_chunk(film.plan, 0, FileSource(clip(FILM)))
    assert caught.value.code == "decompression_bomb"
    await pool.stop()


async def test_waiting_for_the_store_is_not_held_against_the_film(clip: Clip) -> None:
    """The store stays away until the pool has looked at its clock several times over the limit."""
    pool = EncoderPool(PoolSettings(background=1, reserved=0, probe_timeout_s=0.01))
    await pool.start()
    [process] = pool.processes
    looks = 0
    back = threading.Event()

    class Away(EncoderProcess):
        @property
        def waited_s(self) -> float:
            nonlocal looks
            looks += 1
            if looks == 5:
                back.set()
            return time.monotonic() - began

    process.__class__ = Away
    began = time.monotonic()

    def fetch(name: str, start: int, end: int) -> bytes:
        back.wait()
        raise OSError("the store is down")

    with pytest.raises(SourceUnreadable):
        await pool.probe(PartSource("away", [Part("a", 1000)], fetch))
    assert looks >= 5
    await pool.stop()


async def test_a_wait_for_bytes_is_measured(pool: EncoderPool) -> None:
    [process] = pool.processes[:1]
    seen: list[float] = []

    def fetch(name: str, start: int, end: int) -> bytes:
        seen.append(process.waited_s)
        seen.append(process.waited_s)
        return b"x" * (end - start)

    with pytest.raises(MediaProblem):
        await pool.probe(PartSource("measured", [Part("a", 1000)], fetch))
    assert 0 <= seen[0] < seen[1] <= process.waited_s


async def test_a_job_over_its_memory_is_refused(clip: Clip) -> None:
    pool = EncoderPool(PoolSettings(background=1, reserved=0, memory_bytes=100 << 20))
    await pool.start()
    big = clip(Recipe(width=3840, height=2160, frame_count=2, sound=None))
    plan = make_plan(probe_file(big), "0" * 64)
    with pytest.raises(MediaProblem) as caught:
        await pool.run_chunk(plan, 0, FileSource(big))
    assert caught.value.code == "decompression_bomb"
    await pool.stop()


async def test_sheets_and_poster_come_from_segments(pool: EncoderPool, clip: Clip) -> None:
    film = encode_file(clip(FILM))
    (init,) = film.inits["360p"]
    numbers = layout_of(film.plan).segments
    rung = BytesSource("sheets", init + b"".join(film.segments["360p"][n] for n in numbers))
    sheets, poster_segment = await pool.sheets(film.plan, rung)
    assert len(sheets) == layout_of(film.plan).sheet_count
    assert poster_segment in numbers
    poster = await pool.poster(BytesSource("poster", init + film.segments["360p"][poster_segment]))
    assert all(data.startswith(b"\xff\xd8\xff") and data.endswith(b"\xff\xd9") for data in (*sheets, poster))


CONFINED = """
import ctypes, encodings.idna, errno, os, platform, resource, socket, sys, threading
from streams.media import sandbox
if sys.argv[1] == "namespaces":
    sandbox.landlock_version = lambda: 0
mode = sandbox.confine()
assert mode == sys.argv[1], mode
sandbox.limit(1 << 30)
allowed = []
def attempt(name, call):
    try:
        call()
    except OSError:
        return
    allowed.append(name)
attempt("read a file", lambda: open("/etc/passwd").read())
attempt("write a file", lambda: open("/tmp/kinolog-escape", "w"))
attempt("list programs", lambda: os.listdir("/usr"))
attempt("TCP", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 1))
attempt("UDP", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt("a local socket", lambda: socket.socket(socket.AF_UNIX))
attempt("a new process", os.fork)
attempt("a program", lambda: os.execv("/bin/true", ["true"]))
attempt("a signal to the parent", lambda: os.kill(os.getppid(), 0))
victim, path = os.getppid(), sys.argv[3].encode()
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    function = getattr(libc, name, None)
    if function is not None:  # in this C library
        ctypes.set_errno(0)
        if function(*arguments) != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
            allowed.append(name)
pair = (ctypes.c_long * 4)()
for name, *arguments in [
    ("chmod", path, 0o777), ("fchmodat", -100, path, 0o777, 0), ("chown", path, 0, 0), ("lchown", path, 0, 0),
    ("utimensat", -100, path, None, 0), ("setxattr", path, b"user.x", b"y", 1, 0),
    ("removexattr", path, b"user.x"), ("truncate", path, 0), ("rename", path, path + b"2"), ("unlink", path),
    ("access", path, 0), ("chdir", b"/"), ("chroot", b"/"), ("memfd_create", b"m", 0),
    ("prlimit", victim, 7, None, pair), ("setpriority", 0, victim, 19), ("getpriority", 0, victim),
    ("sched_setaffinity", victim, 8, pair), ("sched_setscheduler", victim, 3, pair),
    ("sigqueue", victim, 0, None), ("kill", victim, 0), ("pidfd_open", victim, 0),
    ("fcntl", 1, 8, victim), ("ioctl", 1, 0x5412, b"x"), ("dup", 1),
    ("klogctl", 10, None, 0), ("settimeofday", pair, None), ("clock_settime", 0, pair),
    ("adjtimex", bytes(512)),
    ("setuid", os.getuid()), ("setgid", os.getgid()), ("setresuid", -1, -1, -1), ("setgroups", 0, None),
    ("shmget", 0x1234, 4096, 0o1600), ("semget", 0x1234, 1, 0o1600), ("msgget", 0x1234, 0o1600),
    ("mq_open", b"/kinolog", 0o102, 0o600, None), ("prctl", 4, 1, 0, 0, 0), ("prctl", 1, 0, 0, 0, 0),
    ("socketpair", 1, 1, 0, pair), ("inotify_init1", 0), ("mount", b"a", b"/", b"tmpfs", 0, None),
    ("unshare", 0), ("personality", 0), ("setns", 0, 0), ("ptrace", 16, victim, None, None),
]:
    call(name, *arguments)
for name, number in [("futimesat", 261), ("rt_sigqueueinfo", 129), ("rt_tgsigqueueinfo", 297),
                     ("mq_open", 240), ("fchmodat2", 452), ("setxattrat", 463), ("ioprio_set", 251)]:
    if platform.machine() == "x86_64":
        call("syscall", number, victim, victim, 0, 0, 0)
resource.prlimit(0, resource.RLIMIT_CORE, (0, 0))
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))
    allowed.append("raise its limits")
except ValueError:
    pass
thread = threading.Thread(target=lambda: attempt("read from a thread", lambda: open("/etc/passwd").read()))
thread.start()
thread.join()
print(allowed)
"""


@pytest.mark.parametrize("mode", ["landlock", "namespaces"])
async def test_a_confined_process_has_nothing_but_its_memory_and_descriptors(
    mode: str, tmp_path: Path
) -> None:
    (tmp_path / "victim").write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", CONFINED, mode, str(server.getsockname()[1]), str(tmp_path / "victim")],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout.strip() == "[]", done.stderr


STARTER = """
import os, sys, threading
from streams.media.encoder_process import EncoderProcess, ProcessOptions
child = EncoderProcess(ProcessOptions())
child.start()
print(child.process_id, flush=True)
keep = os.dup(child._channel._sock.fileno()), os.fork()
if keep[1] == 0:
    sys.stdin.read()  # somebody who holds the channel open, so that nothing but the signal tells the child
    os._exit(0)
os._exit(9)
"""


async def test_a_child_ends_with_its_worker_though_the_channel_stays_open() -> None:
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    child = psutil.Process(int(await worker.stdout.readline()))
    await asyncio.to_thread(psutil.wait_procs, [child], 20)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    worker.stdin.close()
    assert await worker.wait() == 9


async def test_without_a_sandbox_it_refuses_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "landlock_version", lambda: 0)
    monkeypatch.setattr(sandbox, "_enter_namespaces", lambda: False)
    with pytest.raises(MediaProblem, match="SANDBOX_REQUIRED=false") as caught:
        sandbox.confine()
    assert caught.value.code == "sandbox_unavailable"
    assert sandbox.confine(allow_unconfined=True) == "none"


async def test_messages_from_a_child_are_bounded() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b"\xff\xff\xff\xff")
    with pytest.raises(Gone, match="at most"):
        Channel(ours).receive()
    ours, theirs = socket.socketpair()
    theirs.sendall(b"\x00\x00\x00\x05nojso")
    with pytest.raises(Gone, match="no message"):
        Channel(ours).receive()


def resident_kb(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


async def test_memory_does_not_grow_with_the_film(clip: Clip) -> None:
    """Forty chunks through one process: after the first few it takes no more."""
    pool = EncoderPool(PoolSettings(background=1, reserved=0))
    await pool.start()
    path = clip(Recipe(frame_count=24 * 160, width=160, height=90))
    plan = make_plan(probe_file(path), "0" * 64)
    used: list[int] = []
    for index in range(plan["chunk_count"]):
        await pool.run_chunk(plan, index, FileSource(path))
        used.append(resident_kb(pool.processes[0].process_id))
    assert plan["chunk_count"] > 35
    assert max(used[6:]) < used[5] * 1.15
    await pool.stop()
