"""S3 requests as plain URLs and headers (signature version 4), and what S3's error answers mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit

from minio.credentials.credentials import Credentials
from minio.signer import presign_v4, sign_v4_s3
from minio.time import to_amz_date

# Bodies are not part of the signature: hashing each again would cost more than it tells on our own links;
# TLS covers it elsewhere.
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_CODE = re.compile(r"<Code>([^<]+)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]+)</Message>")
# How stores say "no room": the standard status, MinIO, versitygw and others, and the errno's own text.
# s3proxy over a folder keeps the errno to its own log: see ObjectStoreFull.
_FULL = (
    "InsufficientStorage",
    "XMinioStorageFull",
    "QuotaExceeded",
    "NoSpaceLeft",
    "no space left on device",
)


class ObjectStoreError(Exception):
    """The store refused a request, and would again; the message names bucket, key and the store's reason."""


class NoSuchObject(ObjectStoreError):
    """There is no object of that key."""


class RangeNotSatisfiable(ObjectStoreError):
    """The range starts at or behind the object's end."""


class ObjectStoreUnavailable(ObjectStoreError):
    """The store did not answer, or not usefully, through all attempts: the same call may work later."""


class ObjectStoreFull(ObjectStoreUnavailable):
    """The store has no room, and says so. Works again once there is some.

    s3proxy, the store of a local stack, does not: a full disk is `500 InternalError: An internal error
    occurred. Try again.`, as any fault of its own is, and so ObjectStoreUnavailable. Its log has the reason.
    """


class Signer:
    """Signs for one endpoint, bucket and key pair; no network."""

    def __init__(self, endpoint: str, region: str, bucket: str, access_key: str, secret_key: str) -> None:
        self._base = endpoint.rstrip("/")
        self._region = region
        self._bucket = bucket
        self._credentials = Credentials(access_key, secret_key)
        self._host = urlsplit(self._base).netloc

    def url(self, key: str, query: dict[str, str] | None = None) -> str:
        """Path-style address of an object, or of the bucket for key ""."""
        path = quote(f"/{self._bucket}/{key}" if key else f"/{self._bucket}", safe="/-_.~")
        return f"{self._base}{path}" + (
            f"?{urlencode(sorted(query.items()), quote_via=quote)}" if query else ""
        )

    def headers(self, method: str, url: str, extra: dict[str, str] | None = None) -> dict[str, str]:
        """Headers to send with a request, `extra` included in the signature."""
        now = datetime.now(UTC)
        headers: dict[str, str | list[str] | tuple[str]] = {
            **(extra or {}),
            "Host": self._host,
            "x-amz-content-sha256": UNSIGNED_PAYLOAD,
            "x-amz-date": to_amz_date(now),
        }
        sign_v4_s3(
            method=method,
            url=urlsplit(url),
            region=self._region,
            headers=headers,
            credentials=self._credentials,
            content_sha256=UNSIGNED_PAYLOAD,
            date=now,
        )
        return {name: str(value) for name, value in headers.items()}

    def presigned(self, method: str, key: str, expires_s: int) -> str:
        """Address that lets its holder make one kind of request to one object until it expires."""
        signed = presign_v4(
            method=method,
            url=urlsplit(self.url(key)),
            region=self._region,
            credentials=self._credentials,
            date=datetime.now(UTC),
            expires=expires_s,
        )
        return signed.geturl()


def error_of(status: int, body: str, what: str) -> ObjectStoreError:
    """The exception for an error answer. `what` says which request it was."""
    found, message = _CODE.search(body), _MESSAGE.search(body)
    code = found[1] if found else ""
    reason = f"{what}: {status} {code} {message[1] if message else ''}".strip()
    if status == 507 or any(sign.lower() in body.lower() for sign in _FULL):
        return ObjectStoreFull(f"{reason}: make room in the object store")
    if status == 404:
        return NoSuchObject(reason)
    if status == 416:
        return RangeNotSatisfiable(reason)
    if status in (408, 429) or status >= 500:
        return ObjectStoreUnavailable(reason)
    if status == 403:
        reason += ": check S3_ACCESS_KEY, S3_SECRET_KEY and this machine's clock"
    return ObjectStoreError(reason)
