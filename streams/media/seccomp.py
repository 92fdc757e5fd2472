"""Which system calls a process may make: a filter by what it may, and one by what it may not (seccomp).

Both hold for good, for the process and its children, and need `no_new_privileges` before. A call by a foreign
convention (another architecture, x32) kills.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_PR_SET_NAME, _PR_SET_VMA = 15, 0x53564D41
_LOAD, _EQUAL, _ABOVE, _HAS_BITS, _ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06  # opcodes

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 0, "aarch64": 1}
_CLONE3, _CLONE_THREAD = 435, 0x10000
_ALLOW, _DENY_EPERM, _DENY_ENOSYS, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_X32_BIT = 0x40000000
_NEWER = 463  # calls from here on are unknown here: they are answered as an older kernel does
# Numbers on x86_64 and aarch64 (-1: not there) of the calls that a decoder may make: memory,
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

Step = tuple[int, int, int, int]  # opcode, how far to go on if it is so, if not, the value


def is_known() -> bool:
    """Whether there are filters for this machine's architecture."""
    return platform.machine() in _AUDIT_ARCH


def no_new_privileges() -> None:
    """Neither this process nor a program that it starts gets more rights than it has. Raises OSError."""
    must(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "give up new privileges")


def allow_decoding() -> None:
    """Allow what decoding and encoding need, answer all other calls with EPERM. Raises OSError."""
    column = _COLUMN[platform.machine()]
    allowed = [row[column] for row in _ALLOWED.values() if row[column] >= 0]

    def only(call: tuple[int, int], *tests: tuple[int, int]) -> list[Step]:
        """Allow a call whose first argument passes one of the tests, deny it otherwise."""
        last = len(tests) - 1
        return [
            (_EQUAL, 0, len(tests) + 3, call[column]),
            (_LOAD, 0, 0, 16),
            *((test, last - i, int(i == last), value) for i, (test, value) in enumerate(tests)),
            (_ANSWER, 0, 0, _ALLOW),
            (_ANSWER, 0, 0, _DENY_EPERM),
        ]

    _filter(
        [
            # glibc falls back from clone3, whose flags a filter cannot see, to clone on ENOSYS alone.
            (_EQUAL, 0, 1, _CLONE3),
            (_ANSWER, 0, 0, _DENY_ENOSYS),
            *only(_CLONE, (_HAS_BITS, _CLONE_THREAD)),
            *only(_PRLIMIT64, (_EQUAL, 0)),
            *only(_TGKILL, (_EQUAL, os.getpid())),
            *only(_PRCTL, (_EQUAL, _PR_SET_NAME), (_EQUAL, _PR_SET_VMA)),
            *((_EQUAL, len(allowed) - i + 2, 0, number) for i, number in enumerate(allowed)),
            (_ABOVE, 1, 0, _NEWER),
            (_ANSWER, 0, 0, _DENY_EPERM),
            (_ANSWER, 0, 0, _DENY_ENOSYS),
            (_ANSWER, 0, 0, _ALLOW),
        ]
    )


def refuse_reaching() -> None:
    """Answer calls that reach other processes, the network or the machine with EPERM. Raises OSError."""
    refused = [row[_COLUMN[platform.machine()]] for row in _REFUSED.values()]
    _filter(
        [
            *((_EQUAL, len(refused) - i, 0, number) for i, number in enumerate(refused)),
            (_ANSWER, 0, 0, _ALLOW),
            (_ANSWER, 0, 0, _DENY_EPERM),
        ]
    )


class _SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _filter(by_number: list[Step]) -> None:
    """Answer calls by their number, which is loaded; those of a foreign convention are sorted out before."""
    program = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, _AUDIT_ARCH[platform.machine()]),
        (_ANSWER, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_ABOVE, 0, 1, _X32_BIT),
        (_ANSWER, 0, 0, _KILL),
        *by_number,
    ]
    raw = b"".join(struct.pack("=HBBI", *step) for step in program)
    prog = _SockFprog(len(program), raw)
    must(_LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(prog), 0, 0), "filter system calls")


def must(result: int, what: str) -> None:
    """Raises OSError for the answer of a call that failed."""
    if result != 0:
        raise OSError(ctypes.get_errno(), f"cannot {what}")
