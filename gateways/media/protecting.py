"""Protecting a film that is finished."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from gateways.core.endpoint import body_of
from gateways.core.idempotency import scoped_id
from gateways.core.problem import Problem
from gateways.media.assets import act_of, answered, find_document
from gateways.media.context import Media, media_of
from gateways.media.intake import protection_of
from gateways.media.models import ProtectionWanted
from schemas.media.objects import part_key
from schemas.media.views import AssetDocument
from streams.core.objects import NoSuchObject


async def protect_asset(request: web.Request) -> web.Response:
    """Asks for it and waits a moment for the outcome: that it began. It plays as it is until it is done."""
    document = await find_document(request)
    body, media = body_of(request, ProtectionWanted), media_of(request)
    protection = protection_of(body.scheme, ",".join(body.systems) or None, body.policy)
    asked = {"protection": protection, "source": await _source(media, document), "plan": document["plan"]}
    request_id = scoped_id(request, f"protect:{document['id']}:{orjson.dumps(protection).decode()}")
    data = {**asked, **await act_of(request, document, body.reason)}
    return await answered(media, document, "ProtectionRequested", data, request_id)


async def _source(media: Media, document: AssetDocument) -> dict[str, Any]:
    """The upload as its parts lie in the store. Problem 409 of a film that is not finished."""
    if document["state"] == "failed":
        raise Problem("conflict", "This film failed: upload it again, protected.", code="asset_failed")
    size_bytes, source_hash = document["size_bytes"], document["source_hash"]
    if document["state"] != "ready" or size_bytes is None or source_hash is None:
        raise Problem("conflict", "The film is not ready yet: ask again when it is.", code="asset_not_ready")
    try:
        part_size = (await media.objects.stat(part_key(document["id"], 0))).size
    except NoSuchObject:
        raise Problem(
            "conflict", "The upload is not in the object store any more: upload the film again, protected.",
            code="source_missing",
        ) from None  # fmt: skip
    return {
        "size_bytes": size_bytes,
        "part_size_bytes": part_size,
        "part_count": -(-size_bytes // max(1, part_size)),
        "source_hash": source_hash,
    }
