"""Reads an upload off the wire: a multipart form or a raw body, as a title and a stream of bytes.

aiohttp has no whole-body step here: chunks are handed on as they arrive, and each wait is bounded.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

from aiohttp import BodyPartReader, MultipartReader, hdrs, web
from aiohttp.http_exceptions import BadHttpMessage

from gateways.core.endpoint import query_of
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.media.models import UploadQuery
from gateways.media.pace import Pace
from schemas.media.protection import (
    CLEAR_KEY,
    DEFAULT_POLICY,
    POLICY_PATTERN,
    SCHEMES,
    SYSTEMS,
    Protection,
)
from schemas.media.visibility import PRIVATE, VISIBILITIES, Visibility

READ_BYTES: Final = 256 * 1024
MAX_FIELD_BYTES: Final = 4096
MAX_FIELDS: Final = 20
MAX_TITLE: Final = 200
JOINERS: Final = "\u200c\u200d"  # of emoji, and of letters in Persian and Indic scripts
_FORM: Final = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Intake:
    """An upload about to be read. `declared_size_bytes` is the file's own size, None if nobody said.

    `owner_id` is who uploads, None: the administrator.
    """

    title: str
    declared_size_bytes: int | None
    owner_id: str | None
    visibility: Visibility
    protection: Protection | None
    chunks: AsyncIterator[bytes]


async def open_intake(request: web.Request, idle_timeout_s: float) -> Intake:
    """Read up to the file's first bytes. Problems: 400 for a body that is no upload, 408 if nothing comes."""
    intake = await _opened(request, idle_timeout_s)
    first = await anext(intake.chunks, None)
    if first is None:
        raise Problem("empty-upload", "Send at least one byte.")
    return replace(intake, chunks=_begun(first, intake.chunks))


async def _begun(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _opened(request: web.Request, idle_timeout_s: float) -> Intake:
    query = query_of(request, UploadQuery)
    owner_id = principal_of(request).owner_id
    if request.content_type == _FORM:
        return await _form(request, query, owner_id, idle_timeout_s)
    if request.content_type == "application/x-www-form-urlencoded":
        raise Problem(
            "unsupported-media-type",
            "Send the file as multipart/form-data, or as the raw body with its own content type and ?title=.",
        )
    file_name = clean_name(query.file_name or "")
    title = clean_title(query.title or _stem(file_name))
    if not title:
        raise Problem(
            "validation", "title: name the film in the query, as in POST /v1/assets?title=My%20film."
        )
    return Intake(
        title=title,
        declared_size_bytes=request.content_length,
        owner_id=owner_id,
        visibility=query.visibility or PRIVATE,
        protection=protection_of(query.protection, query.systems, query.policy),
        chunks=_raw(request, idle_timeout_s),
    )


def clean_title(text: str) -> str:
    """Printable, single spaces, at most MAX_TITLE characters."""
    shown = "".join(c if _is_shown(c) else " " for c in text)
    title = " ".join(shown.split())[:MAX_TITLE].strip()
    return title if any(c.isprintable() for c in title) else ""


def clean_name(text: str) -> str:
    """The last part of a file name, whatever system it comes from."""
    name = PureWindowsPath(PurePosixPath(text).name).name
    return "".join(c for c in name if _is_shown(c))[:255]


def _is_shown(c: str) -> bool:
    """Part of what a person reads: some pictures are several, held together by what shows nothing itself."""
    return c.isprintable() or c in JOINERS or "\U000e0020" <= c <= "\U000e007f"  # tags spell a region's flag


def _stem(file_name: str) -> str:
    return file_name.rsplit(".", 1)[0] if "." in file_name else file_name


async def _raw(request: web.Request, idle_timeout_s: float) -> AsyncIterator[bytes]:
    pace = Pace(idle_timeout_s)
    while True:
        with _bounded():
            async with pace.wait():
                chunk = await request.content.readany()
            pace.came(len(chunk))
        if not chunk:
            return
        yield chunk


async def _form(
    request: web.Request, query: UploadQuery, owner_id: str | None, idle_timeout_s: float
) -> Intake:
    with _bounded():
        async with asyncio.timeout(idle_timeout_s):
            reader = await request.multipart()
            title, visibility = query.title or "", query.visibility or PRIVATE
            said: dict[str, str | None] = {
                "protection": query.protection,
                "systems": query.systems,
                "policy": query.policy,
            }
            for _ in range(MAX_FIELDS):
                part = await reader.next()
                if part is None:
                    break
                if not isinstance(part, BodyPartReader):
                    raise Problem("malformed-request", "The form holds a form within; send plain fields.")
                _declared(part)  # before an asset is made of it
                if part.name == "file" or part.filename is not None:
                    file_name = clean_name(part.filename or query.file_name or "")
                    title = clean_title(title or _stem(file_name)) or "Untitled"
                    return Intake(
                        title=title,
                        declared_size_bytes=None,
                        owner_id=owner_id,
                        visibility=visibility,
                        protection=protection_of(said["protection"], said["systems"], said["policy"]),
                        chunks=_file(reader, part, idle_timeout_s),
                    )
                text = await _field(part)
                if part.name == "title" and text.strip():
                    title = text
                if part.name == "visibility":
                    visibility = _visibility(text)
                if part.name in said:
                    said[part.name] = text.strip()
    raise Problem("malformed-request", "The form holds no file; send the film in a field named 'file'.")


def _visibility(text: str) -> Visibility:
    for visibility in VISIBILITIES:
        if visibility == text.strip():
            return visibility
    raise Problem("validation", f"visibility: send one of {', '.join(VISIBILITIES)}.")


def protection_of(scheme: str | None, systems: str | None, policy: str | None) -> Protection | None:
    """What was asked for; `systems` with commas between. Problem 422 for what cannot be."""
    if scheme is None:
        if systems is not None or policy is not None:
            raise Problem("validation", "protection: name a scheme as well, cenc or cbcs.")
        return None
    if scheme not in SCHEMES:
        raise Problem("validation", f"protection: send one of {', '.join(SCHEMES)}.")
    named = {name.strip() for name in (systems or CLEAR_KEY).split(",")}
    if not named <= set(SYSTEMS):
        raise Problem("validation", f"systems: send one or more of {', '.join(SYSTEMS)}.")
    if "fairplay" in named and scheme != "cbcs":
        raise Problem("validation", "systems: FairPlay plays films of the scheme cbcs only.")
    if policy is not None and not re.fullmatch(POLICY_PATTERN, policy):
        raise Problem("validation", "policy: send 1 to 64 lower-case letters, digits and hyphens.")
    return {
        "scheme": scheme,
        "systems": [name for name in SYSTEMS if name in named],
        "policy_id": policy or DEFAULT_POLICY,
        "version": 1,
    }


def _declared(part: BodyPartReader) -> int | None:
    """The size a part claims to have, which nobody need say. ValueError if that is no size."""
    text = part.headers.get(hdrs.CONTENT_LENGTH)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"the part has {text!r} bytes")
    return int(text)


def _check_size(part: BodyPartReader, size_bytes: int) -> None:
    """ValueError if the part said another size than it has: then something is lost on the way."""
    declared = _declared(part)
    if declared not in (None, size_bytes):
        raise ValueError(f"the part has {size_bytes} bytes and declares {declared}")


async def _field(part: BodyPartReader) -> str:
    raw = bytearray()
    while chunk := await part.read_chunk(MAX_FIELD_BYTES):
        raw += chunk
        if len(raw) > MAX_FIELD_BYTES:
            raise Problem("too-large", f"The field {part.name!r} may have at most {MAX_FIELD_BYTES} bytes.")
    _check_size(part, len(raw))
    return raw.decode("utf-8", "replace")


async def _file(reader: MultipartReader, part: BodyPartReader, idle_timeout_s: float) -> AsyncIterator[bytes]:
    size_bytes, pace = 0, Pace(idle_timeout_s)
    while True:
        with _bounded():
            async with pace.wait():
                chunk = await part.read_chunk(READ_BYTES)
            pace.came(len(chunk))
        if not chunk:
            break
        size_bytes += len(chunk)
        yield chunk
    with _bounded():
        _check_size(part, size_bytes)
        async with asyncio.timeout(idle_timeout_s):
            # What follows the file is not used, but a form that does not end properly is not whole.
            for _ in range(MAX_FIELDS):
                following = await reader.next()
                if following is None:
                    return
                if isinstance(following, BodyPartReader):
                    await _field(following)


class _bounded:
    """Turns what aiohttp raises about a bad body into problems; a lost client stays a lost client."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, TimeoutError):
            raise Problem(
                "timeout", "Too little arrived for too long; upload again on a connection that holds."
            ) from error
        if isinstance(error, ValueError | BadHttpMessage | AssertionError) and not isinstance(error, OSError):
            raise Problem(
                "malformed-request",
                "The form cannot be read; send multipart/form-data with its boundary and its last line.",
            ) from error
