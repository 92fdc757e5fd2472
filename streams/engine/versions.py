"""Which version of a projection readers use, and what all versions of an agent share."""

from __future__ import annotations

from typing import Any, Final

from schemas.keys import pointer_key
from streams.engine.patience import patiently

REQUEST_WINDOW: Final = 8192  # request ids a decider remembers per input partition; part of its state


async def current_version(client: Any, name: str) -> int:
    """The version of a projection that readers use. Waits out a store that is away."""
    value = await patiently("pointer", lambda: client.get(pointer_key(name)))
    return 1 if value is None else int(value)
