"""The object store: one bucket of any S3, for gateways and workers.

Every call may be repeated safely and is, where an attempt fails for a reason that passes. Nothing is kept in
memory beyond what a caller holds.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import aiohttp

from streams.core.s3_connection import GIVE_UP_AFTER_S, S3Connection
from streams.core.s3_requests import (
    NoSuchObject,
    ObjectStoreError,
    ObjectStoreFull,
    ObjectStoreUnavailable,
    RangeNotSatisfiable,
)
from streams.core.settings import Settings

__all__ = [
    "NoSuchObject",
    "ObjectInfo",
    "ObjectStore",
    "ObjectStoreError",
    "ObjectStoreFull",
    "ObjectStoreUnavailable",
    "RangeNotSatisfiable",
]

READ_BYTES = 256 * 1024
DELETE_AT_ONCE = 1000  # S3's own limit of one request
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the store says about an object. `metadata` and `content_type` are empty in listings."""

    key: str
    size: int
    etag: str
    modified_at_ms: int
    content_type: str = ""
    metadata: tuple[tuple[str, str], ...] = ()


class ObjectStore:
    """Client of the bucket in `settings`. Make one a process, inside a running loop; `close()` it.

    Ranges are [start, end): `end` exclusive, None for the object's end. Calls raise NoSuchObject,
    RangeNotSatisfiable, ObjectStoreUnavailable (after the attempts; ObjectStoreFull at once) or
    ObjectStoreError (refused for good, e.g. wrong keys).
    """

    def __init__(self, settings: Settings, *, give_up_after_s: float = GIVE_UP_AFTER_S) -> None:
        """Raises SettingsError where a key is missing."""
        self.bucket = settings.s3_bucket
        self._s3 = S3Connection(settings, give_up_after_s)

    async def __aenter__(self) -> ObjectStore:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. The store may not be used afterwards."""
        await self._s3.close()

    # -- one object --

    async def put(
        self, key: str, data: bytes, content_type: str, metadata: dict[str, str] | None = None
    ) -> str:
        """Store `data` whole under `key`, replacing what was there; returns the ETag."""
        headers = {"Content-Type": content_type}
        headers |= {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
        answer, _ = await self._s3.ask("PUT", key, headers=headers, data=data)
        return answer.get("ETag", "").strip('"')

    async def get(self, key: str, start: int | None = None, end: int | None = None) -> bytes:
        """The object's bytes, or a range of them. A range behind the end raises RangeNotSatisfiable."""
        _, body = await self._s3.ask("GET", key, headers=_range(start, end))
        return body

    async def stream(
        self, key: str, start: int | None = None, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes as they come. A connection lost half-way is resumed where it broke.

        Raises before the first bytes like `get`; ObjectStoreUnavailable if the object changed meanwhile.
        """
        etag, position = "", start or 0
        while True:
            resumes = _range(position if etag or start is not None else None, end)
            resumes |= {"If-Match": f'"{etag}"'} if etag else {}
            answer = await self._s3.open(key, resumes)
            etag, opened_at = answer.headers.get("ETag", "").strip('"'), position
            try:
                async for chunk in answer.content.iter_chunked(READ_BYTES):
                    position += len(chunk)
                    yield chunk
                return
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if position == opened_at or not etag:
                    raise ObjectStoreUnavailable(f"GET {self.bucket}/{key} broke off: {error}") from error
            finally:
                answer.release()

    async def stat(self, key: str) -> ObjectInfo:
        """Size, ETag, type and metadata without the bytes."""
        headers, _ = await self._s3.ask("HEAD", key)
        found = {name.lower(): value for name, value in headers.items()}
        prefix = "x-amz-meta-"
        metadata = {name[len(prefix) :]: value for name, value in found.items() if name.startswith(prefix)}
        return ObjectInfo(
            key=key,
            size=int(found.get("content-length", 0)),
            etag=found.get("etag", "").strip('"'),
            modified_at_ms=_milliseconds(found.get("last-modified", "")),
            content_type=found.get("content-type", ""),
            metadata=tuple(sorted(metadata.items())),
        )

    async def exists(self, key: str) -> bool:
        """True if the object is there."""
        try:
            await self.stat(key)
        except NoSuchObject:
            return False
        return True

    async def copy(self, source: str, target: str) -> None:
        """Copy an object within the bucket, type and metadata included, without moving its bytes here."""
        header = {"x-amz-copy-source": quote(f"/{self.bucket}/{source}", safe="/-_.~")}
        await self._s3.ask("PUT", target, headers=header)

    async def delete(self, key: str) -> None:
        """Delete one object; one that is not there is no error."""
        await self._s3.ask("DELETE", key)

    # -- many objects --

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """Every object whose key begins with `prefix`, in key order, a page at a time."""
        token = ""
        while True:
            query = {"list-type": "2", "prefix": prefix, "max-keys": "1000"}
            query |= {"continuation-token": token} if token else {}
            _, body = await self._s3.ask("GET", "", query=query)
            root = ElementTree.fromstring(body)  # noqa: S314 - our own store's answer
            for entry in root.iter(f"{_NAMESPACE}Contents"):
                yield _listed(entry)
            token = root.findtext(f"{_NAMESPACE}NextContinuationToken") or ""
            if not token:
                return

    async def delete_prefix(self, prefix: str) -> int:
        """Delete every object whose key begins with `prefix`; returns how many there were."""
        if not prefix:
            raise ObjectStoreError("delete_prefix needs a prefix: an empty one is the whole bucket.")
        count = 0
        while keys := [entry.key async for entry in _first(self.list(prefix), DELETE_AT_ONCE)]:
            await self._delete_many(keys)
            count += len(keys)
        return count

    async def _delete_many(self, keys: Sequence[str]) -> None:
        entries = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
        body = f"<Delete><Quiet>true</Quiet>{entries}</Delete>".encode()
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = {"Content-MD5": digest, "Content-Type": "application/xml"}
        _, answer = await self._s3.ask("POST", "", query={"delete": ""}, headers=headers, data=body)
        if b"<Error>" in answer:
            raise ObjectStoreUnavailable(
                f"deleting from {self.bucket}: {answer[:300].decode(errors='replace')}"
            )

    # -- the bucket, and others' access --

    async def check(self) -> None:
        """Ask for the bucket once, without attempts: for readiness. Raises as all calls do."""
        await self._s3.ask_once("HEAD", "")

    async def ensure_bucket(self) -> None:
        """Make the bucket if it is not there."""
        try:
            await self._s3.ask("HEAD", "")
        except NoSuchObject:
            await self._s3.ask("PUT", "")

    def presign_get(self, key: str, expires_s: int = 3600) -> str:
        """An address from which anyone may read this object until it expires. Never put it on the log."""
        return self._s3.presigned("GET", key, expires_s)

    def presign_put(self, key: str, expires_s: int = 3600) -> str:
        """An address to which anyone may write this object until it expires. Never put it on the log."""
        return self._s3.presigned("PUT", key, expires_s)


def _range(start: int | None, end: int | None) -> dict[str, str]:
    """The Range header for [start, end)."""
    if start is None and end is None:
        return {}
    start = start or 0
    if end is not None and end <= start:
        raise ObjectStoreError(f"empty range [{start}, {end}): `end` is exclusive and must be above `start`.")
    return {"Range": f"bytes={start}-{'' if end is None else end - 1}"}


def _listed(entry: ElementTree.Element) -> ObjectInfo:
    modified = entry.findtext(f"{_NAMESPACE}LastModified") or "1970-01-01T00:00:00Z"
    return ObjectInfo(
        key=entry.findtext(f"{_NAMESPACE}Key") or "",
        size=int(entry.findtext(f"{_NAMESPACE}Size") or 0),
        etag=(entry.findtext(f"{_NAMESPACE}ETag") or "").strip('"'),
        modified_at_ms=int(datetime.fromisoformat(modified).timestamp() * 1000),
    )


async def _first(entries: AsyncIterator[ObjectInfo], count: int) -> AsyncIterator[ObjectInfo]:
    taken = 0
    async for entry in entries:
        yield entry
        taken += 1
        if taken == count:
            return


def _milliseconds(http_date: str) -> int:
    return int(parsedate_to_datetime(http_date).timestamp() * 1000) if http_date else 0
