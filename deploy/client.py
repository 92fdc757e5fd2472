"""The HTTP API as the commands use it: upload with progress, follow an asset, make a watch link."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from deploy.local import state as states
from deploy.local.credentials import load_credentials
from deploy.local.layout import Home, default_home
from deploy.local.ports import HOST
from schemas.catalog import load_topology
from schemas.media.visibility import PRIVATE

READ_BYTES = 256 * 1024
FOLLOW_EVERY_S = 0.3
NOT_FOUND = 404


class ApiRefused(RuntimeError):
    """The service answered with a problem; the text is its sentence."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class Unreachable(RuntimeError):
    """The service does not answer."""


class NoSecret(RuntimeError):
    """There is nothing to sign a watch link with."""


class Api:
    """A client of the streaming service with an API key.

    `url` and `api_key` default to KINOLOG_URL and KINOLOG_API_KEY, else to the local stack's.
    """

    def __init__(self, url: str | None = None, api_key: str | None = None) -> None:
        self.url = (url or os.environ.get("KINOLOG_URL") or local_url()).rstrip("/")
        self._key = api_key or os.environ.get("KINOLOG_API_KEY") or _local_key()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Api:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)
        headers = {"Authorization": f"Bearer {self._key}"}
        self._session = aiohttp.ClientSession(self.url, timeout=timeout, headers=headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def upload(
        self,
        path: Path,
        title: str,
        size: int,
        progress: Callable[[int], None],
        key: str | None = None,
        visibility: str = PRIVATE,
    ) -> dict[str, Any]:
        """Send a file of `size` bytes; `progress` gets each piece's size. `key` makes repeating it safe."""

        async def pieces() -> AsyncIterator[bytes]:
            file = await asyncio.to_thread(path.open, "rb")
            with file:
                while piece := await asyncio.to_thread(file.read, READ_BYTES):
                    yield piece
                    progress(len(piece))

        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        headers |= {"Idempotency-Key": key} if key else {}
        query = {"title": title, "file_name": path.name, "visibility": visibility}
        return await self._ask("POST", "/v1/assets", params=query, data=pieces(), headers=headers)

    async def asset(self, asset_id: str) -> dict[str, Any]:
        """One asset."""
        return await self._ask("GET", f"/v1/assets/{asset_id}")

    async def find(self, title: str) -> dict[str, Any] | None:
        """The newest asset of that very title that has not failed, if any."""
        page = await self._ask("GET", "/v1/assets", params={"q": title, "limit": "20"})
        for asset in page["items"]:
            if asset["title"] == title and asset["state"] in ("uploaded", "processing", "playable", "ready"):
                return dict(asset)
        return None

    async def follow(self, asset_id: str) -> AsyncIterator[dict[str, Any]]:
        """The asset again and again until it is ready or has failed (both are yielded last).

        Raises ApiRefused if it is deleted meanwhile, or the key no longer serves.
        """
        while True:
            try:
                asset = await self.asset(asset_id)
            except ApiRefused as refused:
                if refused.status != NOT_FOUND:
                    raise
                asset = None  # accepted, not yet visible
            if asset is not None:
                yield asset
                if asset["state"] in ("ready", "failed", "deleted"):
                    return
            await asyncio.sleep(FOLLOW_EVERY_S)

    async def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        assert self._session is not None, "use `async with Api() as api`"
        try:
            async with self._session.request(method, path, **options) as answer:
                body = await answer.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(
                f"{self.url} does not answer ({error}): is the stack up? `kinolog status`"
            ) from error
        except ValueError as error:
            raise ApiRefused(
                f"{method} {path}: {answer.status}, not JSON: is {self.url} Kinolog?", answer.status
            ) from error
        if answer.status >= 400:
            sentence = f"{body.get('title', answer.status)}: {body.get('detail', '')}".strip(": ")
            raise ApiRefused(sentence, answer.status)
        return dict(body)


def watch_link(asset_id: str, url: str | None = None) -> str:
    """A link that opens one asset in a browser without a key, for a quarter of an hour.

    Its code stands in the fragment, which browsers never send; the page exchanges it for a session.
    PUBLIC_URL goes before `url`, the address that this process talks to. Raises NoSecret.
    """
    from gateways.core.sessions import MIN_SECRET_BYTES, Tokens
    from streams.core.settings import load_settings

    tokens = Tokens(load_settings().session_secret.get_secret_value())
    if not tokens.usable:
        raise NoSecret(
            f"A watch link is signed with SESSION_SECRET, of {MIN_SECRET_BYTES} bytes or more: set it here "
            f"to the gateways' own, or sign in with an API key at {watch_page(asset_id, url)}"
        )
    return f"{watch_page(asset_id, url)}#code={tokens.issue_code(asset_id=asset_id)}"


def watch_page(asset_id: str, url: str | None = None) -> str:
    """The page of one asset, for those who can sign in."""
    from streams.core.settings import load_settings

    base = load_settings().public_url or url or local_url()
    return f"{base.rstrip('/')}/watch/{asset_id}"


def link_or_page(asset_id: str, url: str | None = None) -> str:
    """The watch link; without a secret the page: what was uploaded is there all the same."""
    try:
        return watch_link(asset_id, url)
    except NoSecret:
        return watch_page(asset_id, url)


def local_url() -> str:
    """Where the local stack's streaming service is, or would be."""
    running = states.running(Home(default_home()).state_file)
    port = running.ports["streaming"] if running else load_topology().service("streaming").port
    return f"http://{HOST}:{port}"


def _local_key() -> str:
    home = Home(default_home())
    if not home.credentials_file.exists():
        raise Unreachable(
            "There is no API key: start the stack (`kinolog up`), or set KINOLOG_URL and KINOLOG_API_KEY."
        )
    return load_credentials(home)["admin_api_key"]
