"""Confining the process that decodes what users upload.

The child gets every byte over a socket it was born with and gives every byte back over it, so it may lose
everything else: Landlock takes away all files (read and write), TCP and signals to others; a seccomp
filter leaves it only the system calls that decoding and encoding need, none of which names a file or
another process; it has no capabilities, not even under root; limits bound memory, file sizes and descriptors.
Where the kernel lacks Landlock, namespaces give an empty root and no network. Where it has neither, `confine`
refuses. All by direct system calls: no helper program, no privilege.

Call `confine` in a process with one thread, after every import: it can open no file afterwards. `confine_to`
is for other programs, which need more system calls than can be listed: it refuses those that reach beyond.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from streams.media.reasons import MediaProblem

Mode = Literal["landlock", "namespaces", "none"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_DUMPABLE, _SECCOMP_MODE_FILTER = 38, 22, 4, 2
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_VMA = 1, 15, 0x53564D41
_CAPABILITY_VERSION_3 = 0x20080522
# The same on every architecture.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_PATH_BENEATH = 1
_LANDLOCK_VERSION = 1
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
# Landlock's file rights by the version that brought them: bits 0-12, then refer, truncate, ioctl.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_RUN, _WRITE, _READ, _LIST, _REMOVE, _MAKE, _TRUNCATE = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8, 1 << 14
_NET_RIGHTS, _SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 0, "aarch64": 1}
_CLONE3, _CLONE_THREAD = 435, 0x10000
_ALLOW, _DENY_EPERM, _DENY_ENOSYS, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_X32_BIT = 0x40000000
_NEWER = 463  # calls from here on are unknown here: they are answered as an older kernel does
# Numbers on x86_64 and aarch64 (-1: not there) of the calls that a confined process may make: memory,
# threads, its own signals, clocks, itself, and the descriptors that it has. Found by tracing decoders and
# encoders, and filled up with their relatives that other versions of the C library use instead.
_ALLOWED: dict[str, tuple[int, int]] = {
    "brk": (12, 214), "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226),
    "madvise": (28, 233), "mincore": (27, 232), "membarrier": (324, 283), "futex": (202, 98),
    "futex_waitv": (449, 449), "futex_wake": (454, 454), "futex_wait": (455, 455),
    "futex_requeue": (456, 456),
    "set_robust_list": (273, 99), "get_robust_list": (274, 100), "set_tid_address": (218, 96),
    "rseq": (334, 293), "arch_prctl": (158, -1), "sched_yield": (24, 124), "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121), "sched_getscheduler": (145, 120), "getcpu": (309, 168), "exit": (60, 93),
    "exit_group": (231, 94), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "nanosleep": (35, 101),
    "gettimeofday": (96, 169), "time": (201, -1), "times": (100, 153), "getrusage": (98, 165),
    "sysinfo": (99, 179), "uname": (63, 160), "getrandom": (318, 278), "getpid": (39, 172),
    "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175),
    "getgid": (104, 176), "getegid": (108, 177), "read": (0, 63), "readv": (19, 65), "write": (1, 64),
    "writev": (20, 66), "lseek": (8, 62), "fstat": (5, 80), "poll": (7, -1), "ppoll": (271, 73),
    "sendto": (44, 206), "recvfrom": (45, 207), "shutdown": (48, 210), "close": (3, 57),
}  # fmt: skip
# Calls allowed with some first arguments only.
_CLONE = (56, 220)  # threads, no processes
_PRLIMIT64 = (302, 261)  # its own limits
_TGKILL = (234, 131)  # its own threads, as `abort` does
_PRCTL = (157, 167)  # names of threads and of memory
# Refused to other programs: sockets, other processes, mounts and namespaces, and what opens up the kernel.
_REFUSED: dict[str, tuple[int, int]] = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242), "kill": (62, 129), "tkill": (200, 130), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268),
    "open_by_handle_at": (304, 265), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190),
}  # fmt: skip


def landlock_version() -> int:
    """Version of the kernel's Landlock; 0 where there is none."""
    return max(0, int(_LIBC.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)))


def confine(*, allow_unconfined: bool = False) -> Mode:
    """Give up files, network and other processes for good; says by which means.

    Raises MediaProblem `sandbox_unavailable` where the kernel has none, unless told to go on without.
    """
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # other children of the same user cannot read this memory
    if landlock_version() > 0 and platform.machine() in _AUDIT_ARCH:
        _no_new_privileges()
        _drop_capabilities()
        _restrict_by_landlock()
        _filter_system_calls()
        return "landlock"
    if _enter_namespaces():
        _ask_to_be_killed()  # forgotten with the change of user namespace
        _no_new_privileges()
        _drop_capabilities()
        if platform.machine() in _AUDIT_ARCH:
            _filter_system_calls()
        return "namespaces"
    if allow_unconfined:
        return "none"
    raise MediaProblem(
        "sandbox_unavailable",
        "the kernel has neither Landlock (5.13 or later) nor user namespaces; "
        "set SANDBOX_REQUIRED=false to decode uploads without a sandbox",
    )


def confine_to(program: str, folder: str) -> bool:
    """Leave this process and its children `program` to run, `folder` to work in; False without Landlock."""
    if landlock_version() == 0 or platform.machine() not in _AUDIT_ARCH:
        return False
    _no_new_privileges()
    _drop_capabilities()
    work = _READ | _WRITE | _LIST | _MAKE | _REMOVE | _TRUNCATE
    _restrict_by_landlock({program: _RUN | _READ, folder: work})
    _refuse_system_calls()
    return True


def die_with(parent: int) -> None:
    """End when the thread that started this process ends, as all do with process `parent`; at once if it has.

    Without it a decoder whose worker was killed would go on until it next had something to say.
    """
    _ask_to_be_killed()
    if os.getppid() != parent:
        os._exit(1)


def _ask_to_be_killed() -> None:
    _must(_LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "ask for a signal at the parent's end")


def limit(memory_bytes: int, open_files: int = 64) -> None:
    """Bound this process for good: private memory, no file writes, few descriptors, no core dumps."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_cpu(seconds: float) -> None:
    """From now on this process may use so many more CPU seconds; then the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _no_new_privileges() -> None:
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS) failed")


def _drop_capabilities() -> None:
    """What root may do beyond others, such as raising its limits again, it may no more."""
    header, nothing = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    _must(_LIBC.capset(header, nothing), "drop capabilities")


def _restrict_by_landlock(but: Mapping[str, int] = MappingProxyType({})) -> None:
    """Handle every right there is, and allow none `but` these beneath these paths."""
    version = landlock_version()
    files = _FILE_RIGHTS[max(v for v in _FILE_RIGHTS if v <= version)]
    fields = [files, _NET_RIGHTS if version >= 4 else 0, _SCOPES if version >= 6 else 0]
    count = 3 if version >= 6 else 2 if version >= 4 else 1
    attributes = struct.pack(f"={count}Q", *fields[:count])
    ruleset = _LIBC.syscall(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    _must(min(ruleset, 0), "make Landlock's rules")
    for path, rights in but.items():
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", rights & files, place)
        added = _LIBC.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_PATH_BENEATH, rule, 0)
        _must(added, f"allow {path}")
        os.close(place)
    restricted = _LIBC.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    _must(restricted, "be restricted by Landlock")


class _SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _filter_system_calls() -> None:
    """Allow the listed calls, answer all others with EPERM; a foreign call convention kills."""
    machine = platform.machine()
    column = _COLUMN[machine]
    load, equal, above, has_bits, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allowed = [row[column] for row in _ALLOWED.values() if row[column] >= 0]

    def only(call: tuple[int, int], *tests: tuple[int, int]) -> list[tuple[int, int, int, int]]:
        """Allow a call whose first argument passes one of the tests, deny it otherwise."""
        last = len(tests) - 1
        return [
            (equal, 0, len(tests) + 3, call[column]),
            (load, 0, 0, 16),
            *((test, last - i, int(i == last), value) for i, (test, value) in enumerate(tests)),
            (answer, 0, 0, _ALLOW),
            (answer, 0, 0, _DENY_EPERM),
        ]

    program = [
        (load, 0, 0, 4),
        (equal, 1, 0, _AUDIT_ARCH[machine]),
        (answer, 0, 0, _KILL),
        (load, 0, 0, 0),
        (above, 0, 1, _X32_BIT),
        (answer, 0, 0, _KILL),
        # glibc falls back from clone3, whose flags a filter cannot see, to clone on ENOSYS alone.
        (equal, 0, 1, _CLONE3),
        (answer, 0, 0, _DENY_ENOSYS),
        *only(_CLONE, (has_bits, _CLONE_THREAD)),
        *only(_PRLIMIT64, (equal, 0)),
        *only(_TGKILL, (equal, os.getpid())),
        *only(_PRCTL, (equal, _PR_SET_NAME), (equal, _PR_SET_VMA)),
        *((equal, len(allowed) - i + 2, 0, number) for i, number in enumerate(allowed)),
        (above, 1, 0, _NEWER),
        (answer, 0, 0, _DENY_EPERM),
        (answer, 0, 0, _DENY_ENOSYS),
        (answer, 0, 0, _ALLOW),
    ]
    _filter(program)


def _refuse_system_calls() -> None:
    """Answer the calls that are refused with EPERM, allow all others; a foreign call convention kills."""
    machine = platform.machine()
    refused = [row[_COLUMN[machine]] for row in _REFUSED.values()]
    load, equal, above, answer = 0x20, 0x15, 0x35, 0x06
    _filter(
        [
            (load, 0, 0, 4),
            (equal, 1, 0, _AUDIT_ARCH[machine]),
            (answer, 0, 0, _KILL),
            (load, 0, 0, 0),
            (above, 0, 1, _X32_BIT),
            (answer, 0, 0, _KILL),
            *((equal, len(refused) - i, 0, number) for i, number in enumerate(refused)),
            (answer, 0, 0, _ALLOW),
            (answer, 0, 0, _DENY_EPERM),
        ]
    )


def _filter(program: list[tuple[int, int, int, int]]) -> None:
    raw = b"".join(struct.pack("=HBBI", *step) for step in program)
    prog = _SockFprog(len(program), raw)
    _must(_LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(prog), 0, 0), "filter system calls")


def _enter_namespaces() -> bool:
    """An empty root directory and a network without interfaces; False where the kernel refuses."""
    if _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWIPC) != 0:
        return False
    empty = b"/proc/self"  # any directory will do: an empty file system covers it
    _must(_LIBC.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "make mounts private")
    _must(_LIBC.mount(b"none", empty, b"tmpfs", 0, b"size=0,nr_inodes=1"), "mount an empty root")
    os.chdir(empty)
    os.chroot(".")
    os.chdir("/")
    return True


def _must(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"cannot {what}")
