"""Uploads with a progress bar and the transcode that follows, as the commands upload and run show them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from deploy.client import Api, ApiRefused

# Not on a terminal, a line each time this much more is done.
PLAIN_EVERY_PERCENT = 20
EMPTY_UPLOAD = 400


class Bar:
    """One bar on a terminal; a few plain lines elsewhere."""

    def __init__(self, console: Console, what: str, total: int, *, is_bytes: bool) -> None:
        self._console, self._what, self._total = console, what, total
        self._done = self._said = 0
        columns = [
            TextColumn("  {task.description:<12}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
        ]
        extra = [DownloadColumn(), TransferSpeedColumn()] if is_bytes else []
        self._progress = Progress(*columns, *extra, console=console) if console.is_terminal else None
        self._task = TaskID(0)

    def __enter__(self) -> Bar:
        if self._progress is not None:
            self._progress.start()
            self._task = self._progress.add_task(self._what, total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def advance(self, amount: int) -> None:
        """Count more."""
        self.at(self._done + amount)

    def at(self, done: int) -> None:
        """Say how much is done in all."""
        self._done = done
        if self._progress is not None:
            self._progress.update(self._task, completed=done)
            return
        percent = 100 * done // max(1, self._total)
        if percent >= self._said + PLAIN_EVERY_PERCENT or (percent == 100 and self._said < 100):
            self._said = percent
            self._console.print(f"  {self._what:<12} {percent} %", highlight=False)


async def upload(api: Api, console: Console, path: Path, title: str) -> dict[str, Any]:
    """Upload one file; the same file again under the same title is the same asset.

    Raises ApiRefused for an empty file without asking the service.
    """
    size, key = _identity(path, title)
    if size == 0:
        raise ApiRefused("The file is empty: export it again.", EMPTY_UPLOAD)
    with Bar(console, "upload", size, is_bytes=True) as bar:
        return await api.upload(path, title, size, bar.advance, key)


def _identity(path: Path, title: str) -> tuple[int, str]:
    """(bytes, key): the key is the same until the file is written again."""
    stat = path.stat()
    identity = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{title}"
    return stat.st_size, hashlib.sha256(identity.encode()).hexdigest()


async def follow(api: Api, console: Console, asset_id: str) -> dict[str, Any]:
    """Show the transcode until the asset is ready or has failed; returns it then."""
    asset: dict[str, Any] = {}
    with Bar(console, "transcode", 100, is_bytes=False) as bar:
        async for asset in api.follow(asset_id):
            bar.at(100 if asset["state"] == "ready" else min(99, asset["progress"]["percent"]))
    return asset
