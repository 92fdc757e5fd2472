"""The pages as the gateway serves them: shells, own modules, third-party modules, security headers.

Third-party modules are read from the disk once and kept (with their gzip form), so a warm answer costs no
file access; our own files are looked at each time, so that an edit shows at the next reload.
No request of a page ever leaves its own host: the policy below forbids it, and the browser tests watch it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template

from gateways.core.origins import origin_of
from gateways.web.imports import static_imports

WEB_ROOT = Path(__file__).resolve().parent

#: service -> route -> (page folder, title); a page is the shell plus the folder's `page.js` and `style.css`.
PAGES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "streaming": {
        "/": ("library", "Library"),
        "/watch/{asset_id}": ("watch", "Watch"),
        "/rooms": ("rooms", "Live chat"),
        "/rooms/{room_id}": ("room", "Room"),
        "/rooms/{room_id}/moderate": ("moderate", "Moderation"),
        "/assets/{asset_id}/log": ("log", "Events"),
        "/analytics": ("analytics", "Analytics"),
        "/analytics/videos/{asset_id}": ("analytics", "Analytics"),
        "/analytics/views": ("analytics", "Analytics"),
        "/analytics/views/{view_id}": ("analytics", "Analytics"),
        "/analytics/system": ("analytics", "Analytics"),
        "/assets/{asset_id}/protection": ("rights", "Rights"),
        "/rights": ("rights", "Rights"),
        "/rights/policies/{policy_id}": ("rights", "Rights"),
        "/rights/licences": ("rights", "Rights"),
        "/rights/accounts/{account_id}": ("rights", "Rights"),
    },
    "identity": {
        "/": ("account", "Account"),
        "/account": ("account", "Account"),
        "/sign-in": ("sign-in", "Sign in"),
        "/redeem": ("redeem", "Set a password"),
        "/users": ("users", "Users"),
        "/audit": ("audit", "Audit"),
    },
}
#: pages that call another service than the one that serves them; the others may not.
CALLS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("rooms", "room", "moderate"), ("chat",)),
    "watch": ("chat", "analytics", "drm"),
    "analytics": ("analytics",),
    **dict.fromkeys(("rights", "account"), ("drm",)),
}
TITLES = {name: title for pages in PAGES.values() for name, title in pages.values()}

#: npm packages a page may load; development packages are installed beside them and never served.
SERVED_PACKAGES = frozenset(
    {
        "@awesome.me/webawesome", "@lit/reactive-element", "hls.js", "lit", "lit-element", "lit-html",
        "lucide-static", "media-chrome", "shaka-player", "swagger-ui-dist", "uplot",
    }
)  # fmt: skip

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
#: names joined by single slashes; none begins with a dot, so there is no way up and no second way to a file.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@_.+-]*(?:/[A-Za-z0-9@_][A-Za-z0-9@_.+-]*)*")
_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file ready to send. `gzipped` is None where compression would not help."""

    body: bytes
    content_type: str
    etag: str
    gzipped: bytes | None
    cache_control: str


@dataclass(slots=True)
class Site:
    """Reads shells and modules under `root`; every method is synchronous, memoised and free of the network.

    `places` tells pages where services with pages are: a base URL, or `:port` of the page's own host.
    Raises FileNotFoundError at construction when the third-party modules are not installed.
    """

    root: Path = WEB_ROOT
    places: Mapping[str, str] = field(default_factory=dict)
    revision: str = field(init=False)
    _files: dict[str, Asset] = field(init=False, default_factory=dict)
    _shells: dict[str, bytes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.root / "node_modules" / "lit").is_dir():
            raise FileNotFoundError(
                f"{self.root / 'node_modules'}: page modules are not installed; run `npm ci` in {self.root}"
            )
        lock = (self.root / "package-lock.json").read_bytes()
        self.revision = hashlib.sha256(lock).hexdigest()[:12]

    # -- shells ---------------------------------------------------------------------------------------------
    def page(self, name: str, host: str = "") -> tuple[bytes, str]:
        """HTML of page `name` (a folder) and the Content-Security-Policy it must be sent with.

        `host` is the request's, of which services that are told as `:port` are.
        """
        import_map = self.import_map()
        if name not in self._shells:
            html = Template((self.root / "shell.html").read_text()).substitute(
                page=name,
                title=TITLES[name],
                places=escape(json.dumps(dict(self.places))),
                import_map=import_map,
                modules=self.module_base,
                preload="\n".join(f'  <link rel="modulepreload" href="{url}">' for url in self.preload(name)),
            )
            self._shells[name] = html.encode()
        called = [self.places[service] for service in CALLS.get(name, ()) if service in self.places]
        connect = [source for place in called for source in _sources(place, host)]
        return self._shells[name], content_security_policy(import_map, page=name, connect=connect)

    @property
    def module_base(self) -> str:
        return f"/modules/r-{self.revision}"

    def import_map(self) -> str:
        """The import map as text; its addresses change with the lock, so modules can be cached for ever."""
        names = json.loads((self.root / "importmap.json").read_text())
        mapped = {name: f"{self.module_base}/{path}" for name, path in names["modules"].items()}
        return json.dumps({"imports": mapped | names["own"]}, separators=(",", ":"))

    def preload(self, name: str) -> list[str]:
        """Every module that page `name` imports statically, so that the browser asks for all at once."""
        return static_imports(self, f"/web/{name}/page.js", json.loads(self.import_map())["imports"])

    # -- files ----------------------------------------------------------------------------------------------
    def own_file(self, path: str) -> Asset | None:
        """A file of ours under /web/, or None: not there, outside, or of a kind that is not served."""
        first = path.partition("/")[0]
        if first in {"node_modules", "package.json", "package-lock.json", "importmap.json", "lint.mjs"}:
            return None
        return self._file(self.root, path, _REVALIDATE)

    def module_file(self, path: str) -> Asset | None:
        """A file of a served npm package under /modules/, with or without the revision in front."""
        cache_control = "public, max-age=3600"
        if path.startswith("r-"):
            revision, _, path = path.partition("/")
            if revision == f"r-{self.revision}":
                cache_control = _IMMUTABLE
        parts = path.split("/")
        package = "/".join(parts[:2]) if path.startswith("@") else parts[0]
        if package not in SERVED_PACKAGES:
            return None
        return self._file(self.root / "node_modules", path, cache_control)

    def _file(self, base: Path, path: str, cache_control: str) -> Asset | None:
        # One spelling a file: strangers choose the path, and what is kept must not grow with their fancy.
        if not _PLAIN_PATH.fullmatch(path):
            return None
        key = f"{base.name}/{path}?{cache_control}"
        known = self._files.get(key)
        if known is not None and cache_control != _REVALIDATE:
            return known
        found = self._read(base, path, cache_control, known)
        if found is not None:
            self._files[key] = found
        return found

    @staticmethod
    def _read(base: Path, path: str, cache_control: str, known: Asset | None) -> Asset | None:
        target = (base / path).resolve()
        content_type = _TYPES.get(target.suffix)
        if content_type is None or not target.is_relative_to(base.resolve()) or not target.is_file():
            return None
        body = target.read_bytes()
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        if known is not None and known.etag == etag:
            return known
        small = gzip.compress(body, 6, mtime=0) if target.suffix != ".png" and len(body) > 512 else None
        return Asset(body, content_type, etag, small, cache_control)


def _sources(place: str, host: str) -> list[str]:
    """What a page may connect to at a place: by HTTP and by WebSocket."""
    origin = origin_of(place, "http", host)
    return [origin, origin.replace("http", "ws", 1)] if origin else []


def content_security_policy(import_map: str, *, page: str, connect: Sequence[str] = ()) -> str:
    """Self only, and `connect` to be called. The import map must be inline (no browser loads it from a file),
    so its hash stands here.

    The watch page alone allows inline styles: media-chrome writes <style> elements into its shadow roots.
    Where films play, media and workers may be blobs: Media Source playback is one.
    """
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    player = page in ("watch", "analytics")
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' 'sha256-{digest}'",
        "style-src": "'self' 'unsafe-inline'" if page == "watch" else "'self'",
        "img-src": "'self' data: blob:" if player else "'self' data:",
        "media-src": "'self' blob:" if player else "'none'",
        "worker-src": "'self'" if player else "'none'",
        "connect-src": " ".join(("'self'", *connect)),
        "font-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


#: sent with every shell, beside its policy.
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}
