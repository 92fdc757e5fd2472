"""Confining the process that decodes what users upload.

The child gets every byte over a socket it was born with and gives every byte back over it, so it may lose
everything else: Landlock takes away all files (read and write), TCP and signals to others; a seccomp
filter takes away new sockets, programs and the calls an escape would start with; limits bound memory, file
sizes and descriptors. Where the kernel lacks Landlock, namespaces give an empty root and no network. Where
it has neither, `confine` refuses. All by direct system calls: no helper program, no privilege.

Call `confine` in a process with one thread, after every import: it can open no file afterwards.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
from typing import Literal

from streams.media.reasons import MediaProblem

Mode = Literal["landlock", "namespaces", "none"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_DUMPABLE, _SECCOMP_MODE_FILTER = 38, 22, 4, 2
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446  # the same on every architecture
_LANDLOCK_VERSION = 1
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
# Landlock's file rights by the version that brought them: bits 0-12, then refer, truncate, ioctl.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NET_RIGHTS, _SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 0, "aarch64": 1}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3, _CLONE_THREAD = 435, 0x10000
_ALLOW, _DENY_EPERM, _DENY_ENOSYS, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_X32_BIT = 0x40000000
# Numbers on x86_64 and aarch64 (-1: not there) of what nothing here needs: new sockets and programs, tracing,
# mounts, modules, keys, other processes.
_DENIED: dict[str, tuple[int, int]] = {
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "bind": (49, 200), "listen": (50, 201),
    "socketpair": (53, 199), "accept4": (288, 242), "fork": (57, -1), "vfork": (58, -1), "execve": (59, 221),
    "execveat": (322, 281), "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pivot_root": (155, 41), "chroot": (161, 51), "mount": (165, 40), "umount2": (166, 39),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "unshare": (272, 97), "setns": (308, 268), "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265), "bpf": (321, 280), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "mount_setattr": (442, 442),
    "reboot": (169, 142), "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, -1),
    "ioperm": (173, -1), "acct": (163, 89), "swapon": (167, 224), "swapoff": (168, 225), "vhangup": (153, 58),
    "kcmp": (312, 272),
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
        _restrict_by_landlock()
        _filter_system_calls()
        return "landlock"
    if _enter_namespaces():
        _no_new_privileges()
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


def _restrict_by_landlock() -> None:
    """Handle every right there is and allow none."""
    version = landlock_version()
    files = _FILE_RIGHTS[max(v for v in _FILE_RIGHTS if v <= version)]
    fields = [files, _NET_RIGHTS if version >= 4 else 0, _SCOPES if version >= 6 else 0]
    count = 3 if version >= 6 else 2 if version >= 4 else 1
    attributes = struct.pack(f"={count}Q", *fields[:count])
    ruleset = _LIBC.syscall(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset failed")
    restricted = _LIBC.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    if restricted != 0:
        raise OSError(ctypes.get_errno(), "landlock_restrict_self failed")


class _SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _filter_system_calls() -> None:
    """Refuse the denied calls with EPERM; `clone` may make threads only; a foreign call convention kills."""
    machine = platform.machine()
    load, equal, above, has_bits, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    denied = [row[_COLUMN[machine]] for row in _DENIED.values() if row[_COLUMN[machine]] >= 0]
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
        (equal, 0, 2, _CLONE[machine]),
        (load, 0, 0, 16),
        (has_bits, len(denied), len(denied) + 1, _CLONE_THREAD),
        *((equal, len(denied) - i, 0, number) for i, number in enumerate(denied)),
        (answer, 0, 0, _ALLOW),
        (answer, 0, 0, _DENY_EPERM),
    ]
    raw = b"".join(struct.pack("=HBBI", *step) for step in program)
    prog = _SockFprog(len(program), raw)
    if _LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(prog), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP) failed")


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
