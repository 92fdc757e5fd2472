"""Why an upload ended early: a stable code for the log, a sentence for people, the answer for the client."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.client_exceptions import ClientConnectionError, ClientPayloadError

from gateways.core.errors import BAD_BODY
from gateways.core.problem import Problem, retry_later
from gateways.media.parts import UploadTooLarge
from streams.core.objects import ObjectStoreFull, ObjectStoreUnavailable


class UploadEnded(Exception):
    """`problem` is None when nobody is left to be told."""

    def __init__(self, code: str, sentence: str, problem: Problem | None) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.problem = problem


_OF_PROBLEM: Final = {
    "timeout": ("upload_stalled", "Too little arrived for too long. Upload the file again."),
    "malformed-request": ("upload_malformed", "The upload was not whole or readable. Upload the file again."),
    "too-large": ("upload_malformed", "A field of the upload's form was too large. Upload the file again."),
    "unavailable": ("log_unavailable", "The upload could not be recorded. Upload the file again."),
}


def ended_by(error: BaseException) -> UploadEnded:
    """The reason behind an exception; a bug keeps its own exception as the answer (500)."""
    if isinstance(error, UploadEnded):
        return error
    if isinstance(error, UploadTooLarge):
        sentence = f"The file has {error}. Upload a smaller one, or raise MAX_UPLOAD_BYTES."
        return UploadEnded("upload_too_large", sentence, Problem("too-large", sentence))
    if isinstance(error, Problem):
        code, sentence = _OF_PROBLEM.get(error.kind.slug, ("upload_refused", error.detail))
        return UploadEnded(code, sentence, error)
    if isinstance(error, web.RequestPayloadError):
        code, sentence = _OF_PROBLEM["malformed-request"]
        return UploadEnded(code, sentence, Problem("malformed-request", BAD_BODY))
    if isinstance(
        error, asyncio.CancelledError | ConnectionError | ClientPayloadError | ClientConnectionError
    ):
        return UploadEnded(
            "upload_aborted", "The connection ended before the last byte. Upload the file again.", None
        )
    if isinstance(error, ObjectStoreFull):
        return UploadEnded(
            "store_full",
            "The object store is full. Free space or delete assets, then upload again.",
            Problem(
                "store-full", "The object store is full; free space or delete assets, then upload again."
            ),
        )
    if isinstance(error, ObjectStoreUnavailable | OSError | TimeoutError):
        return UploadEnded(
            "store_unavailable",
            "The object store did not take the file. Upload it again in a moment.",
            retry_later(
                "unavailable", "The object store does not take parts now; upload again in a moment.", 5
            ),
        )
    return UploadEnded("internal", "The gateway failed. Upload the file again.", None)
