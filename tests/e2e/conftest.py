"""Fixtures of the browser tests: one Chromium a session, and for each test a stub of the API and a page.

The page watches itself: a violation of the policy, a request to an outside host, an error on the console or a
script that breaks fails the test that caused it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.e2e.stub_media import Film, make_film
from tests.e2e.stub_server import Stub, serving
from tests.support.browser import PATIENCE_MS, launched, new_context
from tests.support.planting import betrayed

expect.set_options(timeout=PATIENCE_MS)

AXE = Path(__file__).resolve().parents[2] / "gateways/web/node_modules/axe-core/axe.min.js"
_WATCH_POLICY = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (e) => {
  if (window.__axe && !e.sourceFile) return; // axe itself, which no page brings
  const what = `${e.effectiveDirective} blocked ${e.blockedURI || "inline"}`;
  window.__violations.push(`${what} at ${e.sourceFile}:${e.lineNumber}`);
});
"""

# A page that shows no document of ours, a refused file for one, has no stores to look into.
STORES = """(() => {
  try { return {local: {...localStorage}, session: {...sessionStorage}} } catch { return {} }
})()"""


@dataclass(slots=True, kw_only=True)
class Window:
    """A page that watches itself. It may talk to `base` and to `friends` (host:port), to nobody else."""

    base: str
    page: Page
    context: BrowserContext
    friends: frozenset[str] = frozenset()
    tolerated: tuple[str, ...] = ()
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    scripts: dict[str, int] = field(default_factory=dict)

    async def open(self, path: str = "/") -> Page:
        await self.page.goto(self.base + path)
        return self.page

    async def until_page(self, expression: str) -> None:
        """Waits until the expression is true in the page. (Playwright's own wait would need eval there.)"""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not await self.page.evaluate(f"Boolean({expression})"):
                await self.page.evaluate("new Promise(requestAnimationFrame)")

    async def barriers(self) -> list[str]:
        """axe-core's findings of impact serious or critical.

        Not counted: media-chrome's clock and menus, whose names do not repeat the value they show.
        """
        await self.page.evaluate("window.__axe = true")
        await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
            for violation in found["violations"]
            if violation["impact"] in {"serious", "critical"}
            for node in violation["nodes"]
            if (violation["id"], str(node["target"][0])[:6]) != ("label-content-name-mismatch", "media-")
        ]

    def tolerate(self, *fragments: str) -> None:
        """Console errors that contain one of these are what the test is about."""
        self.tolerated += fragments

    async def verdict(self) -> list[str]:
        """Everything the page did that no page may do."""
        violations = await self.page.evaluate("window.__violations ?? []")
        errors = [text for text in self.errors if not any(part in text for part in self.tolerated)]
        stores = await self.page.evaluate(STORES)
        outside = (f"request to {url}" for url in self.outside)
        return [*violations, *errors, *outside, *betrayed(stores)]


@dataclass(slots=True, kw_only=True)
class Surface(Window):
    """A page on a stub: what tests drive and look at."""

    stub: Stub

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits, as the browser does its work, until the stub shows what `true` asks for."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not true():
                await self.page.evaluate("new Promise(requestAnimationFrame)")


async def new_page(browser: Browser) -> tuple[BrowserContext, Page]:
    """A window of somebody's own, which notes what its policy blocks."""
    context = await new_context(browser, viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = await context.new_page()
    await page.add_init_script(_WATCH_POLICY)
    return context, page


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as running:
        yield running


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return make_film(tmp_path_factory.mktemp("film"))


@pytest_asyncio.fixture(loop_scope="session")
async def surface(browser: Browser, film: Film) -> AsyncIterator[Surface]:
    stub = Stub(film)
    async with serving(stub) as base:
        context, page = await new_page(browser)
        seen = Surface(stub=stub, base=base, page=page, context=context)
        listen(page, seen)
        yield seen
        problems = await seen.verdict()
        await context.close()
    assert problems == []


def listen(page: Page, seen: Window) -> None:
    """Notes what the page asks of whom, and what goes wrong in it."""

    def on_request(request: Request) -> None:
        parts, hosts = urlsplit(request.url), {urlsplit(seen.base).netloc, *seen.friends}
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc not in hosts:
            seen.outside.append(request.url)

    def on_console(message: ConsoleMessage) -> None:
        # what the policy blocks is counted where it happens, by the listener in the page
        if message.type == "error" and "Content Security Policy" not in message.text:
            seen.errors.append(message.text)

    page.on("request", on_request)
    page.on("pageerror", lambda error: seen.errors.append(f"script error: {error}"))
    page.on("console", on_console)
