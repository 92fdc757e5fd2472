"""What a person sees in a browser where a service has no page: a small page of the house's style.

Programs get the problem document of the same answer. The page is one file without scripts of its own, because
services without pages serve no files either; its policy names the hash of its styles.
"""

from __future__ import annotations

import base64
import hashlib
import html
from dataclasses import dataclass
from string import Template
from typing import Final

from aiohttp import web

_STYLE: Final = """
:root { color-scheme: light dark; --bg: light-dark(#f5f7f7, #0c1011); --surface: light-dark(#fff, #14191b);
  --line: light-dark(#dfe5e5, #232b2e); --strong: light-dark(#c3cccc, #3a464a);
  --text: light-dark(#10181a, #edf2f2); --text-2: light-dark(#465356, #aab6b8);
  --text-3: light-dark(#5d6a6d, #8f9ca0); --accent: light-dark(#0b7a75, #3ad1c3);
  --on-accent: light-dark(#fff, #04211f); --hover: light-dark(#eef1f1, #1b2224); }
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; padding: 16px;
  background: var(--bg); color: var(--text);
  font: 14px/20px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Open Sans", sans-serif; }
main { width: min(480px, 100%); padding: 32px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--surface); }
svg { display: block; width: 40px; height: 40px; margin-bottom: 20px; }
h1 { margin: 0 0 8px; font-size: 24px; line-height: 32px; font-weight: 650; letter-spacing: -0.02em; }
p { margin: 0 0 8px; color: var(--text-2); }
code { font: 12px/20px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 24px; }
a { display: inline-flex; align-items: center; min-height: 36px; padding: 0 16px;
  border: 1px solid var(--strong); border-radius: 8px; color: var(--text); font-weight: 560;
  text-decoration: none; }
a:hover { background: var(--hover); }
a:first-child { border-color: transparent; background: var(--accent); color: var(--on-accent); }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.trace { margin: 24px 0 0; color: var(--text-3); font-size: 12px; }
"""
_MARK: Final = (
    '<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0b7a75"/>'
    '<g stroke="#fff" stroke-width="2.6" stroke-linecap="round"><path d="M10 8h2.5"/><path d="M10 12h8"/>'
    '<path d="M10 16h13"/><path d="M10 20h8"/><path d="M10 24h2.5"/></g></svg>'
)
_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="referrer" content="no-referrer">
  <title>$title · Kinolog</title>
  <link rel="icon" href="data:,">
  $script
  <style>$style</style>
</head>
<body>
  <main>
    $mark
    <h1>$title</h1>
    $text
    <nav aria-label="From here">$links</nav>
    <p class="trace">Trace <code>$trace</code></p>
  </main>
</body>
</html>
""")
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; script-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Notices:
    """The notices of one service. `about` says what it is for; `pages`: it serves the web pages."""

    service: str
    about: str
    pages: bool = False

    def response(self, request: web.Request, trace_id: str) -> web.Response | None:
        """The page for an address that leads nowhere; None where no person looks at the answer.

        A service without pages introduces itself at its root.
        """
        if request.method not in ("GET", "HEAD") or not prefers_html(request.headers.get("Accept", "")):
            return None
        if request.path == "/":
            status, title = 200, f"Kinolog: {self.service}"
            text = f"<p>{html.escape(self.about)}</p><p>This address is for programs: it has no pages.</p>"
        else:
            status, title = 404, "No page lives here"
            path = html.escape(request.path[:200])
            text = f"<p>Nothing is served at <code>{path}</code>. The address may have a typing error.</p>"
            text += (
                "" if self.pages else f"<p>This is the {self.service} service. {html.escape(self.about)}</p>"
            )
        return web.Response(
            status=status,
            text=self._page(title, text, trace_id),
            content_type="text/html",
            headers={"Cache-Control": "no-store", "Content-Security-Policy": POLICY, "Vary": "Accept"},
        )

    def _page(self, title: str, text: str, trace_id: str) -> str:
        links = {"/": "Go to the library", "/docs": "API reference"} if self.pages else _LINKS
        return _PAGE.substitute(
            title=html.escape(title),
            text=text,
            style=_STYLE,
            mark=_MARK,
            script='<script src="/web/shared/theme.js"></script>' if self.pages else "",
            links="".join(f'<a href="{path}">{label}</a>' for path, label in links.items()),
            trace=html.escape(trace_id),
        )


_LINKS: Final = {"/docs": "API reference", "/health": "Health", "/ready": "Readiness"}


def prefers_html(accept: str) -> bool:
    """Whether an Accept header names text/html, and above JSON: browsers do, programs do not."""
    weights = {"html": 0.0, "json": 0.0}
    for entry in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in entry.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if kind == "text/html":
            weights["html"] = max(weights["html"], weight)
        elif kind in ("application/json", "application/problem+json"):
            weights["json"] = max(weights["json"], weight)
    return weights["html"] > weights["json"]
