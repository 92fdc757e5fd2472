"""Passwords: which are taken, and argon2id, a few at a time, so that guessing costs us no more than them."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateways.core.problem import Problem, retry_later

SHORTEST: Final = 10
LONGEST: Final = 256
MOST_WAITING: Final = 32  # requests for a hash at once; more are told to come back
THREADS: Final = 2
# OWASP's password storage cheat sheet, argon2id: 19 MiB, two passes, one lane.
_MEMORY_KIB: Final = 19_456
_PASSES: Final = 2
_LANES: Final = 1
_SEQUENCES: Final = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "01234567890")
_COMMON: Final = frozenset(
    (
        "administrator", "baseball", "batman", "changeme", "computer", "contrasena", "default", "dragon",
        "football", "iloveyou", "internet", "kinolog", "letmein", "master", "michael", "monkey", "motdepasse",
        "password", "passwort", "princess", "qazwsx", "secret", "shadow", "starwars", "sunshine", "superman",
        "trustno", "welcome", "whatever", "zaqxsw",
    )
)  # fmt: skip
T = TypeVar("T")


def refusal(password: str, address: str | None) -> str | None:
    """Why this password is not taken, in a sentence that says what to do; None if it is. NIST 800-63B."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"Choose a password of {SHORTEST} to {LONGEST} characters; a few words make a good one."
    plain = _normal(password).casefold()
    if address is not None and (plain in address or address.partition("@")[0] in (plain, plain[::-1])):
        return "Choose a password that is not your address."
    letters = "".join(c for c in plain if c.isalpha())
    if len(set(plain)) < 5 or letters in _COMMON or _is_sequence(plain):
        return "This password is among the first that anybody tries; choose another, such as a few words."
    return None


def _is_sequence(plain: str) -> bool:
    return any(plain in run * 3 or plain in run[::-1] * 3 for run in _SEQUENCES)


def _normal(password: str) -> str:
    # The same keys pressed on another machine may give other code points.
    return unicodedata.normalize("NFKC", password)


class Passwords:
    """Hashes and compares in a few threads. Close it at the end."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._waiting = 0
        # Compared with where there is no account, so that nobody can tell by the time it takes.
        self._nobody = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> bytes:
        """What the vault keeps. Problem 503 when too many wait."""
        return (await self._run(lambda: self._hasher.hash(_normal(password)))).encode()

    async def matches(self, kept: bytes | None, password: str) -> bool:
        """Whether it is the password; without one kept it takes as long and is False."""
        found = await self._run(lambda: self._matches(kept.decode() if kept else self._nobody, password))
        return found and kept is not None

    def outdated(self, kept: bytes) -> bool:
        """Whether a hash was made by other parameters than those of today."""
        return self._hasher.check_needs_rehash(kept.decode())

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise retry_later("overloaded", "Too many people sign in at this moment; try again in a moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads; what they are at is finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def check(password: str, address: str | None) -> None:
    """Problem 422 for a password that is not taken."""
    sentence = refusal(password, address)
    if sentence is not None:
        raise Problem("validation", sentence)
