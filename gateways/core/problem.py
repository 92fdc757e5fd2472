"""RFC 9457 problems: what every error of every gateway looks like.

A problem's `type` is stable and listed here once; its `detail` is a sentence that says what to do. Handlers
raise `Problem`; `gateways.core.errors` turns it, and whatever else goes wrong, into a response.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web

CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:kinolog:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One stable sort of error: the last part of its `type`, its HTTP status and its title."""

    slug: str
    status: int
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    kind.slug: kind
    for kind in (
        Kind("malformed-request", 400, "The request cannot be understood"),
        Kind("validation", 422, "The request does not fit its schema"),
        Kind("empty-upload", 400, "The upload has no bytes"),
        Kind("unauthenticated", 401, "No valid credential"),
        Kind("bad-credential", 401, "The credential is not valid"),
        Kind("forbidden", 403, "The credential does not allow this"),
        Kind("cross-origin", 403, "The request comes from another site"),
        Kind("not-found", 404, "There is no such thing"),
        Kind("method-not-allowed", 405, "The path does not take this method"),
        Kind("timeout", 408, "The client sent nothing for too long"),
        Kind("upload-in-progress", 409, "The same upload is running"),
        Kind("conflict", 409, "The request does not fit the present state"),
        Kind("gone", 410, "It has been deleted"),
        Kind("too-large", 413, "The body is too large"),
        Kind("unsupported-media-type", 415, "The content type is not taken here"),
        Kind("bad-range", 416, "The range lies outside the object"),
        Kind("idempotency-key-reused", 422, "The Idempotency-Key belongs to another request"),
        Kind("too-early", 425, "It does not exist yet"),
        Kind("too-many-requests", 429, "Too many requests"),
        Kind("headers-too-large", 431, "A header is too large"),
        Kind("internal", 500, "The gateway failed"),
        Kind("unavailable", 503, "Something this request needs is not answering"),
        Kind("overloaded", 503, "The gateway is at its limit"),
        Kind("draining", 503, "The gateway is stopping"),
        Kind("not-configured", 503, "A setting is missing"),
        Kind("deadline", 504, "The answer took too long"),
        Kind("store-full", 507, "The object store is full"),
    )
}


class Problem(Exception):
    """Raised by handlers. `kind` names an entry of KINDS; `detail` must tell the caller what to do.

    `members` are extension members of the body (RFC 9457, 3.2), JSON-serialisable.
    """

    def __init__(
        self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: Kind = KINDS[kind]
        self.detail = detail
        self.headers: dict[str, str] = dict(headers or {})
        self.members = members

    def body(self, trace_id: str) -> dict[str, Any]:
        """The document sent to the client."""
        return {
            "type": TYPE_PREFIX + self.kind.slug,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "trace_id": trace_id,
            **self.members,
        }

    def response(self, trace_id: str) -> web.Response:
        """A complete response: never cached, with the trace id in body and header."""
        return web.Response(
            status=self.kind.status,
            body=orjson.dumps(self.body(trace_id)),
            content_type=CONTENT_TYPE,
            headers={"Cache-Control": "no-store", **self.headers},
        )


def retry_later(kind: str, detail: str, after_s: int = 2, **members: Any) -> Problem:
    """A problem that goes away by itself: carries Retry-After."""
    return Problem(kind, detail, headers={"Retry-After": str(after_s)}, **members)
