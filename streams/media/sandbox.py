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
import resource
import signal
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from streams.media import seccomp
from streams.media.reasons import MediaProblem

Mode = Literal["landlock", "namespaces", "none"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
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


def landlock_version() -> int:
    """Version of the kernel's Landlock; 0 where there is none."""
    return max(0, int(_LIBC.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)))


def confine(*, allow_unconfined: bool = False) -> Mode:
    """Give up files, network and other processes for good; says by which means.

    Raises MediaProblem `sandbox_unavailable` where the kernel has none, unless told to go on without.
    """
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # other children of the same user cannot read this memory
    if landlock_version() > 0 and seccomp.is_known():
        seccomp.no_new_privileges()
        _drop_capabilities()
        _restrict_by_landlock()
        seccomp.allow_decoding()
        return "landlock"
    if _enter_namespaces():
        _ask_to_be_killed()  # forgotten with the change of user namespace
        seccomp.no_new_privileges()
        _drop_capabilities()
        if seccomp.is_known():
            seccomp.allow_decoding()
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
    if landlock_version() == 0 or not seccomp.is_known():
        return False
    seccomp.no_new_privileges()
    _drop_capabilities()
    work = _READ | _WRITE | _LIST | _MAKE | _REMOVE | _TRUNCATE
    _restrict_by_landlock({program: _RUN | _READ, folder: work})
    seccomp.refuse_reaching()
    return True


def die_with(parent: int) -> None:
    """End when the thread that started this process ends, as all do with process `parent`; at once if it has.

    Without it a decoder whose worker was killed would go on until it next had something to say.
    """
    _ask_to_be_killed()
    if os.getppid() != parent:
        os._exit(1)


def _ask_to_be_killed() -> None:
    seccomp.must(
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "ask for a signal at the parent's end"
    )


def limit(memory_bytes: int, *, open_files: int = 64, largest_bytes: int = 0) -> None:
    """Bound this process for good: private memory, files of so many bytes, few descriptors, no core dumps."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, largest_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_cpu(seconds: float) -> None:
    """From now on this process may use so many more CPU seconds; then the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _drop_capabilities() -> None:
    """What root may do beyond others, such as raising its limits again, it may no more."""
    header, nothing = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    seccomp.must(_LIBC.capset(header, nothing), "drop capabilities")


def _restrict_by_landlock(but: Mapping[str, int] = MappingProxyType({})) -> None:
    """Handle every right there is, and allow none `but` these beneath these paths."""
    version = landlock_version()
    files = _FILE_RIGHTS[max(v for v in _FILE_RIGHTS if v <= version)]
    fields = [files, _NET_RIGHTS if version >= 4 else 0, _SCOPES if version >= 6 else 0]
    count = 3 if version >= 6 else 2 if version >= 4 else 1
    attributes = struct.pack(f"={count}Q", *fields[:count])
    ruleset = _LIBC.syscall(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    seccomp.must(min(ruleset, 0), "make Landlock's rules")
    for path, rights in but.items():
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", rights & files, place)
        added = _LIBC.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_PATH_BENEATH, rule, 0)
        seccomp.must(added, f"allow {path}")
        os.close(place)
    restricted = _LIBC.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    seccomp.must(restricted, "be restricted by Landlock")


def _enter_namespaces() -> bool:
    """An empty root directory and a network without interfaces; False where the kernel refuses."""
    if _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWIPC) != 0:
        return False
    empty = b"/proc/self"  # any directory will do: an empty file system covers it
    seccomp.must(_LIBC.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "make mounts private")
    seccomp.must(_LIBC.mount(b"none", empty, b"tmpfs", 0, b"size=0,nr_inodes=1"), "mount an empty root")
    os.chdir(empty)
    os.chroot(".")
    os.chdir("/")
    return True
