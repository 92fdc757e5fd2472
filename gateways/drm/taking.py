"""How packagers' keys leave: from the vault, once the log says who takes which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from aiohttp import web

from schemas.drm.events import CONTENT_KEYS_REQUESTED, ContentKeysRequested
from schemas.media.protection import Scheme
from streams.core.packager_keys import PackagerKeys

TOPIC: Final = "drm.key.requests"


class Log(Protocol):
    """What is needed of a producer."""

    async def publish(self, topic: str, key: str, type: str, data: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes keys, as the log names them."""

    actor: str
    protocol: Literal["speke", "widevine"]
    key_id: str | None = None


class Taking:
    """Errors of the vault and of the log pass through: no key leaves then."""

    def __init__(self, keys: PackagerKeys, log: Log) -> None:
        self._keys, self._log = keys, log

    async def take(self, taker: Taker, content: str, scheme: Scheme, kids: Sequence[str]) -> dict[str, bytes]:
        """KID -> key, after the event is on the log. Raises OtherScheme."""
        keys = await self._keys.take(content, scheme, kids)
        told = ContentKeysRequested(
            content_id=content,
            actor=taker.actor,
            key_id=taker.key_id,
            protocol=taker.protocol,
            scheme=scheme,
            kids=list(kids),
        )
        await self._log.publish(TOPIC, content, CONTENT_KEYS_REQUESTED, told)
        return keys


TAKING: Final = web.AppKey("taking", Taking)
