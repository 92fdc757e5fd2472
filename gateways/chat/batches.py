"""What one write to a client of a room holds: everything that is new, in one message."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from gateways.core.frames import text_frame


def batch_frame(room_id: str, items: Iterable[bytes]) -> bytes:
    """`items`, each a JSON document already, as one text frame for all clients."""
    return text_frame(b'{"type":"batch","room":%s,"items":[%s]}' % (orjson.dumps(room_id), b",".join(items)))
