"""What worker bodies work with, as protocols: the real ones are put together in `setup.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from schemas.media.plan import Plan
from schemas.media.protection import Scheme
from streams.media.answers import ChunkResult
from streams.media.probe import Probe
from streams.media.source import ByteSource


class Stat(Protocol):
    """An object of a listing."""

    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...


class Objects(Protocol):
    """What of `streams.core.objects.ObjectStore` workers use; raises its NoSuchObject and
    ObjectStoreUnavailable."""

    async def put(self, key: str, data: bytes, content_type: str) -> object: ...

    async def get(self, key: str, start: int | None = None, end: int | None = None) -> bytes:
        """The object, or its bytes [start, end)."""
        ...

    def list(self, prefix: str) -> AsyncIterator[Stat]: ...

    async def delete_prefix(self, prefix: str) -> int: ...


class Encoders(Protocol):
    """What of `streams.media.pool.EncoderPool` workers use."""

    async def probe(self, source: ByteSource, *, priority: int) -> Probe: ...

    async def run_chunk(
        self,
        plan: Plan,
        chunk_index: int,
        source: ByteSource,
        *,
        priority: int,
        on_progress: Callable[[int], None],
    ) -> ChunkResult: ...

    async def sheets(
        self, plan: Plan, rung: ByteSource, *, priority: int, key: bytes | None = None
    ) -> tuple[list[bytes], int]: ...

    async def poster(self, rung: ByteSource, *, priority: int, key: bytes | None = None) -> bytes: ...


class Library(Protocol):
    """Whether work for an asset is still of use."""

    async def state_of(self, asset_id: str) -> str | None:
        """The asset's state in the library projection; None if it is not there (yet) or cannot be read."""
        ...


class Vault(Protocol):
    """What of `streams.core.vault.Vault` workers use; raises its VaultUnavailable."""

    async def forget(self, subject: str) -> int: ...


class ContentKeys(Protocol):
    """What of `streams.core.content_keys.ContentKeys` workers use; raises its KeyUnknown, and the vault's
    VaultUnavailable."""

    async def ensure(
        self, asset_id: str, scheme: Scheme, version: int, labels: Iterable[str], *, film_known: bool = False
    ) -> dict[str, str]: ...

    async def get(
        self, asset_id: str, scheme: Scheme, version: int, kids: Sequence[str]
    ) -> dict[str, bytes]: ...


@dataclass(slots=True)
class Tools:
    """The resources of one worker process."""

    objects: Objects
    encoders: Encoders
    library: Library
    vault: Vault
    content_keys: ContentKeys
    worker: str  # name of this process, for people
    max_upload_bytes: int = 20 * 2**30  # what claims to be larger was not taken in by a gateway
    allow_unconfined: bool = False  # where the kernel can confine nothing
    dropped: set[str] = field(default_factory=set)  # request ids found to be of no more use while in hand
