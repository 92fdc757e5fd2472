"""The vault: what must be forgettable, which is why it does not stand on the log.

Password and API key hashes, subject keys, signing keys, keys of protected films. A Redis of its own that
answers a write when it is on the disk; every value is wrapped by the KMS, bound to the place where it stands.
It is written before the event that speaks of it; events name its entries by id only.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from streams.core import vault_scripts
from streams.core.clients import vault_client
from streams.core.kms import Kms, KmsError
from streams.core.kms_choice import open_kms
from streams.core.settings import Settings

PASSWORD: Final = "password"  # noqa: S105 - the name of a kind
API_KEY: Final = "api_key"
SUBJECT_KEY: Final = "subject_key"
LOGIN_SESSION: Final = "login_session"
ONE_TIME_LINK: Final = "one_time_link"
SIGNING_KEY: Final = "signing_key"
PLATFORM_KEY: Final = "platform_key"  # the platform's own, such as that of address HMACs
CONTENT_KEY: Final = "content_key"  # what a protected film is encrypted with: streams.core.content_keys
CONTENT_SCHEME: Final = "content_scheme"  # what a packager's key id is used with: streams.core.packager_keys
KINDS: Final = frozenset(
    (
        PASSWORD, API_KEY, SUBJECT_KEY, LOGIN_SESSION, ONE_TIME_LINK, SIGNING_KEY, PLATFORM_KEY, CONTENT_KEY,
        CONTENT_SCHEME,
    )
)  # fmt: skip

MOST_VALUE_BYTES: Final = 64 * 1024
MOST_ID_CHARACTERS: Final = 200
# A rewrite of a hundred thousand entries takes about a second; forget() gives up after this.
REWRITE_PATIENCE_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.01
CANARY: Final = b"the vault opens"  # whoever can unwrap this has the right keys
CANARY_PLACE: Final = b"canary"


class VaultError(Exception):
    """The vault cannot do what was asked; the message is a sentence with the remedy."""


class VaultUnavailable(VaultError):
    """No answer now. A write may or may not be kept: repeat it."""


class VaultUnusable(VaultError):
    """It answers, but trying again does not help: a key is missing, or it would not keep what it is told."""


class Vault:
    """All access to the vault. Every method raises VaultUnavailable or VaultUnusable, and no other error of
    its own than ValueError for a kind, id or value that cannot be.

    The first use checks that the keys are those that the vault was written under.
    """

    def __init__(self, redis: Redis, kms: Kms, *, rewrite_patience_s: float = REWRITE_PATIENCE_S) -> None:
        self.redis, self.kms = redis, kms
        self._patience_s = rewrite_patience_s
        self._opened = False
        self._put = redis.register_script(vault_scripts.PUT)
        self._swap = redis.register_script(vault_scripts.SWAP)
        self._delete = redis.register_script(vault_scripts.DELETE)
        self._forget = redis.register_script(vault_scripts.FORGET)
        self._entries = redis.register_script(vault_scripts.ENTRIES)

    async def put(
        self,
        kind: str,
        id: str,
        value: bytes,
        *,
        subject: str | None = None,
        expires_in_s: float | None = None,
        if_absent: bool = False,
        if_subject_known: bool = False,
    ) -> bool:
        """Keep a value in place of any that was there; on the disk when this returns.

        False, and nothing is kept, if `if_absent` and an entry is there, or if `if_subject_known` and the
        subject has no key: so nothing can be filed under somebody who was forgotten meanwhile. An entry
        stays filed under its subject unless another one is named. A write repeated because its answer was
        lost is done once.
        """
        entry = _entry(kind, id)
        if len(value) > MOST_VALUE_BYTES:
            raise ValueError(f"A value of {len(value)} bytes: the vault takes up to {MOST_VALUE_BYTES}.")
        if subject is not None:
            _checked_id(subject)
        if if_subject_known and subject is None:
            raise ValueError("if_subject_known needs a subject.")
        expires_in_ms = 0 if expires_in_s is None else max(1, round(expires_in_s * 1000))
        async with self.at_work():
            wrapped = self.kms.wrap(value, place(kind, id))
            options = (subject or "", expires_in_ms, int(if_absent), int(if_subject_known))
            arguments = (wrapped, secrets.token_bytes(12), kind, id, *options)
            return bool(await self._put(keys=[entry, f"i:{kind}"], args=arguments))

    async def get(self, kind: str, id: str) -> bytes | None:
        """The value; None if there is none, or no longer."""
        [value] = await self.get_many(kind, [id])
        return value

    async def get_many(self, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        """Values in the order of `ids`, in one round trip."""
        entries = [_entry(kind, id) for id in ids]
        async with self.at_work():
            async with self.redis.pipeline(transaction=False) as pipe:
                for entry in entries:
                    pipe.hget(entry, "v")
                found: list[bytes | None] = await pipe.execute()
            return [
                None if wrapped is None else self.kms.unwrap(wrapped, place(kind, id))
                for id, wrapped in zip(ids, found, strict=True)
            ]

    async def swap(self, kind: str, id: str, expected: bytes, new: bytes) -> bool:
        """Replace the value if it is `expected`, in one step; subject and expiry stay.

        False if it is another one, or there is none. Of several at once exactly one gets True.
        """
        entry, token = _entry(kind, id), secrets.token_bytes(12)
        if len(new) > MOST_VALUE_BYTES:
            raise ValueError(f"A value of {len(new)} bytes: the vault takes up to {MOST_VALUE_BYTES}.")
        async with self.at_work():
            while True:
                wrapped, seen = await answer(self.redis.hmget(entry, ["v", "n"]))
                if wrapped is None:
                    return False
                if not hmac.compare_digest(self.kms.unwrap(wrapped, place(kind, id)), expected):
                    return False
                fresh = self.kms.wrap(new, place(kind, id))
                if await self._swap(keys=[entry], args=[seen, token, fresh]):
                    return True

    async def delete(self, kind: str, id: str, *, token: bytes = b"") -> bool:
        """Remove an entry; False if there was none. Its bytes leave the file at the next rewrite.

        With the `token` of the write that was seen: False, and it stays, if it was written since.
        """
        async with self.at_work():
            return bool(await self._delete(keys=[_entry(kind, id), f"i:{kind}"], args=[kind, id, token]))

    async def entries(self, kind: str) -> list[str]:
        """Ids of all entries of a kind, sorted."""
        _checked_kind(kind)
        async with self.at_work():
            found = await self._entries(keys=[f"i:{kind}"])
            return sorted(id.decode() for id in found)

    async def forget(self, subject: str) -> int:
        """Delete everything filed under a subject, then rewrite the vault's file: no byte of it is left.

        Returns how many entries there were. Safe to repeat, and to be repeated after any error: the file is
        rewritten each time. VaultUnavailable if the rewrite does not end in time; the entries are gone then,
        the file may still have them.
        """
        _checked_id(subject)
        async with self.at_work():
            found = int(await self._forget(keys=[f"s:{subject}"]))
            await self.rewrite_file()
            return found

    async def rewrite_file(self) -> None:
        """Have Redis write its file anew from memory, begun after this call, and wait until it has ended.

        VaultUnavailable if that fails or takes longer than the patience given.
        """
        deadline = time.monotonic() + self._patience_s
        found: dict[str, Any] = await self.redis.info("persistence")
        # One that runs already may have begun before our delete: only a later one counts, whoever asked.
        before, begun = found["aof_rewrites"], False
        while not begun or (found["aof_rewrite_in_progress"] and found["aof_rewrites"] == before + 1):
            if time.monotonic() > deadline:
                raise VaultUnavailable(
                    f"The vault at {self.where} did not end rewriting its file within "
                    f"{self._patience_s:g} s: try again; what was deleted may still stand in the file."
                )
            if not begun and not found["aof_rewrite_in_progress"]:
                try:
                    await self.redis.bgrewriteaof()
                except ResponseError as error:
                    if "in progress" not in str(error):  # another process was faster
                        raise
            await asyncio.sleep(_LOOK_AGAIN_S)
            found = await self.redis.info("persistence")
            before = min(before, found["aof_rewrites"])  # a server that was restarted counts anew
            begun = found["aof_rewrites"] > before
        if found["aof_last_bgrewrite_status"] != "ok":
            raise VaultUnavailable(
                f"The vault at {self.where} could not rewrite its file: see its log (a full disk?), then "
                "try again."
            )

    async def ready(self) -> None:
        """The probe of /ready: it answers, writes its file, and the keys here open it."""
        self._opened = False
        async with self.at_work():
            found: dict[str, Any] = await self.redis.info("persistence")
            if not found["aof_enabled"]:
                raise VaultUnusable(
                    f"The vault at {self.where} keeps nothing on its disk: set `appendonly yes` and "
                    "`appendfsync always` there, or let VAULT_URL name the right server."
                )
            if found["aof_last_write_status"] != "ok":
                raise VaultUnavailable(
                    f"The vault at {self.where} could not write its file: see its log; is its disk full?"
                )

    @property
    def where(self) -> str:
        """host:port, for people."""
        known = self.redis.connection_pool.connection_kwargs
        return f"{known.get('host', 'localhost')}:{known.get('port', 6379)}"

    async def aclose(self) -> None:
        """Close the connections."""
        await self.redis.aclose()

    @asynccontextmanager
    async def at_work(self, *, opened: bool = True) -> AsyncIterator[None]:
        """For a block of commands: the keys are checked once (unless `opened` is False), and errors of the
        server and of the keys become the vault's own."""
        try:
            if opened and not self._opened:
                await self._open()
            yield
        except KmsError as error:
            raise VaultUnusable(str(error)) from error
        except (RedisError, OSError) as error:
            raise VaultUnavailable(
                f"The vault at {self.where} does not answer ({str(error) or type(error).__name__}): start it "
                "(`kinolog up`) or correct VAULT_URL."
            ) from error

    async def _open(self) -> None:
        canary, restoring = await answer(self.redis.mget("canary", "restoring"))
        if restoring is not None:
            raise VaultUnusable(
                "A restore of the vault began and did not end: run the same `kinolog vault restore` again."
            )
        if canary is None:
            await answer(self.redis.set("canary", self.kms.wrap(CANARY, CANARY_PLACE), nx=True))
            canary = await answer(self.redis.get("canary"))
        self.kms.unwrap(canary, CANARY_PLACE)
        self._opened = True


def open_vault(settings: Settings) -> Vault:
    """The vault of the settings; connects on first use, close with `aclose()`. VaultUnusable without keys."""
    try:
        kms = open_kms(settings)
    except KmsError as error:
        raise VaultUnusable(str(error)) from error
    return Vault(vault_client(settings), kms)


async def answer(command: Any) -> Any:
    """Await a command: redis-py types them for both of its clients at once; here all are awaitable."""
    return await command


def _entry(kind: str, id: str) -> str:
    _checked_kind(kind)
    _checked_id(id)
    return f"e:{kind}:{id}"


def _checked_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of the vault's: there are {', '.join(sorted(KINDS))}.")


def _checked_id(id: str) -> None:
    if not 1 <= len(id) <= MOST_ID_CHARACTERS or not id.isprintable():
        raise ValueError(f"An id in the vault has 1 to {MOST_ID_CHARACTERS} printable characters.")


def place(kind: str, id: str) -> bytes:
    """Where an entry stands, as its value is bound to it."""
    return f"{kind}|{id}".encode()
