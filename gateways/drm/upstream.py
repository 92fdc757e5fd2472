"""Licence servers that are not ours: what players send is passed on, what comes back is bounded.

Whatever a server does but answer in time is a no. Nothing of a request or an answer is logged: they hold
keys and licences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aiohttp

from gateways.core.problem import Problem, retry_later
from streams.core.logging import get_logger

_log = get_logger("gateway.drm.upstream")
PATIENCE_S: Final = 4.0
MOST_BYTES: Final = 256 * 1024


class Upstream:
    """One connection pool to licence servers."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._session: aiohttp.ClientSession | None = None

    async def post(self, system: str, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of a 200. Problem 503 `licence_server` for anything else: there is no licence then."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._patience_s)
            # Neither cookies nor compressed answers: a few bytes may stand for many.
            self._session = aiohttp.ClientSession(
                timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        asked = {"Accept-Encoding": "identity", **headers}
        try:
            async with self._session.post(url, data=body, headers=asked, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise no_answer(system, f"status {answer.status}")
                raw = bytearray()
                async for part in answer.content.iter_any():
                    raw += part
                    if len(raw) > MOST_BYTES:
                        raise no_answer(system, f"more than {MOST_BYTES} bytes")
                return bytes(raw)
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            raise no_answer(system, type(error).__name__) from None

    async def close(self) -> None:
        """Once, at the end."""
        if self._session is not None:
            await self._session.close()


def no_answer(system: str, why: str) -> Problem:
    """503, with the reason in the log for the operator; `why` holds nothing that was sent."""
    _log.warning("no licence from the licence server", system=system, why=why)
    return retry_later(
        "unavailable",
        "The licence server of this protection system gave no licence; the service's log says why.",
        code="licence_server",
    )


def not_set(setting: str, what: str) -> Problem:
    """503 with the remedy."""
    return Problem(
        "not-configured", f"There are no licences of {what} here: set {setting}.", code="not_configured"
    )
