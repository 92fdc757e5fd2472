"""Uploads with a progress bar and the transcode that follows, as the commands upload and run show them."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from deploy.client import Api, ApiRefused, link_or_page
from schemas.media.visibility import PRIVATE

# Not on a terminal, a line each time this much more is done.
PLAIN_EVERY_PERCENT = 20
EMPTY_UPLOAD = 400


class Times(ProgressColumn):
    """Time elapsed, and time left as far as the pace tells."""

    def render(self, task: Task) -> Text:
        left = "" if task.finished or task.time_remaining is None else f", {spoken(task.time_remaining)} left"
        return Text(f"{spoken(task.finished_time or task.elapsed or 0)}{left}", style="dim")


def spoken(seconds: float) -> str:
    """`42 s`, `3 min 05 s` or `1 h 12 min`."""
    whole = round(seconds)
    minutes, hours = whole // 60, whole // 3600
    if hours:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


class Bar:
    """One bar on a terminal; a few plain lines elsewhere."""

    def __init__(self, console: Console, what: str, total: int, *, is_bytes: bool) -> None:
        self._console, self._what, self._total = console, what, total
        self._done = self._said = 0
        self._began = time.monotonic()
        columns = [
            TextColumn("  {task.description:<12}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
        ]
        extra = [DownloadColumn(), TransferSpeedColumn()] if is_bytes else []
        on_screen = console.is_terminal
        self._progress = Progress(*columns, *extra, Times(), console=console) if on_screen else None
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
            took = spoken(time.monotonic() - self._began)
            self._console.print(f"  {self._what:<12} {percent} % after {took}", highlight=False)


async def upload(
    api: Api, console: Console, path: Path, title: str, visibility: str = PRIVATE
) -> dict[str, Any]:
    """Upload one file; the same file again under the same title is the same asset, as visible as it was.

    Raises ApiRefused for an empty file without asking the service.
    """
    size, key = _identity(path, title)
    if size == 0:
        raise ApiRefused("The file is empty: export it again.", EMPTY_UPLOAD)
    with Bar(console, "upload", size, is_bytes=True) as bar:
        return await api.upload(path, title, size, bar.advance, key, visibility)


def _identity(path: Path, title: str) -> tuple[int, str]:
    """(bytes, key): the key is the same until the file is written again."""
    stat = path.stat()
    identity = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{title}"
    return stat.st_size, hashlib.sha256(identity.encode()).hexdigest()


async def follow(api: Api, console: Console, asset_id: str) -> dict[str, Any]:
    """Show the transcode until the asset is ready or has failed; returns it then.

    Says the watch link as soon as the film plays: long before the bar is full.
    """
    asset: dict[str, Any] = {}
    plays = False
    with Bar(console, "transcode", 100, is_bytes=False) as bar:
        async for asset in api.follow(asset_id):
            if asset["state"] == "playable" and not plays:
                plays = True
                console.print(
                    f"  plays now    {link_or_page(asset_id, api.url)}", highlight=False, markup=False
                )
            bar.at(100 if asset["state"] == "ready" else min(99, asset["progress"]["percent"]))
    return asset
