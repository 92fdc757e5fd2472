"""Signed requests to one bucket of any S3, each tried again for as long as its failure may pass.

Lost connections, 5xx and 429 are tried again with growing pauses and jitter, through aiohttp.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential
from yarl import URL

from streams.core.s3_requests import ObjectStoreFull, ObjectStoreUnavailable, Signer, error_of
from streams.core.settings import Settings, SettingsError

# A restart of a local store takes a second or two; longer troubles are the caller's to report.
GIVE_UP_AFTER_S = 8.0
LONGEST_PAUSE_S = 1.5
# No total limit: a slow link may take its time, a silent one may not.
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=3.0, sock_read=30.0)


class S3Connection:
    """What ObjectStore asks through. Calls raise the errors of `s3_requests`."""

    def __init__(self, settings: Settings, give_up_after_s: float) -> None:
        """Raises SettingsError where a key is missing."""
        for name, key in (
            ("S3_ACCESS_KEY", settings.s3_access_key),
            ("S3_SECRET_KEY", settings.s3_secret_key),
        ):
            if not key.get_secret_value():
                raise SettingsError(
                    f"{name}: is empty, expected a key of the object store at {settings.s3_endpoint}: set "
                    "the variable, or start the local stack with `kinolog up`, which sets it"
                )
        self._bucket = settings.s3_bucket
        self._give_up_after_s = give_up_after_s
        self._signer = Signer(
            settings.s3_endpoint,
            settings.s3_region,
            settings.s3_bucket,
            settings.s3_access_key.get_secret_value(),
            settings.s3_secret_key.get_secret_value(),
        )
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def presigned(self, method: str, key: str, expires_s: int) -> str:
        """An address that allows one request of this kind until it expires."""
        return self._signer.presigned(method, key, expires_s)

    async def ask(
        self,
        method: str,
        key: str,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> tuple[Mapping[str, str], bytes]:
        """One request with attempts; headers (their names in any case) and body of the answer."""
        what = f"{method} {self._bucket}/{key}"
        async for attempt in self._attempts():
            with attempt:
                try:
                    async with self._send(method, key, query=query, headers=headers, data=data) as answer:
                        await _raise_for(answer, what)
                        return answer.headers, await answer.read()
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    raise ObjectStoreUnavailable(f"{what}: {type(error).__name__} {error}") from error
        raise AssertionError("unreachable: the attempts end with an answer or an error")

    async def ask_once(self, method: str, key: str) -> None:
        """One request without a body or attempts."""
        async with self._send(method, key) as answer:
            await _raise_for(answer, f"{method} {self._bucket}/{key}")

    async def open(self, key: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        """The head of a GET's answer, with attempts; the caller reads the body and releases it."""
        what = f"GET {self._bucket}/{key}"
        async for attempt in self._attempts():
            with attempt:
                try:
                    answer = await self._send("GET", key, headers=headers)
                    await _raise_for(answer, what)
                    return answer
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    raise ObjectStoreUnavailable(f"{what}: {type(error).__name__} {error}") from error
        raise AssertionError("unreachable: the attempts end with an answer or an error")

    def _send(
        self,
        method: str,
        key: str,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> aiohttp.client._RequestContextManager:
        if self._session is None:
            # Keep-alive shorter than the servers' own, so that we never write into a closed connection.
            connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=10)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=_TIMEOUT,
                auto_decompress=False,
                skip_auto_headers=("Content-Type",),
            )
        url = self._signer.url(key, query)
        signed = self._signer.headers(method, url, headers)
        return self._session.request(method, URL(url, encoded=True), headers=signed, data=data)

    def _attempts(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(ObjectStoreUnavailable) & _retry_unless_full,
            stop=stop_after_delay(self._give_up_after_s),
            wait=wait_random_exponential(multiplier=0.1, max=LONGEST_PAUSE_S),
            reraise=True,
            sleep=asyncio.sleep,
        )


def _retry_unless_full(state: object) -> bool:
    outcome = getattr(state, "outcome", None)
    return outcome is None or not isinstance(outcome.exception(), ObjectStoreFull)


async def _raise_for(answer: aiohttp.ClientResponse, what: str) -> None:
    if answer.status >= 300:
        raise error_of(answer.status, (await answer.read()).decode(errors="replace")[:4000], what)
