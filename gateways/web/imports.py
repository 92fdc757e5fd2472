"""Finds the static imports of a page, so that its shell can ask for all modules in one wave."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateways.web.site import Site

# `import x from "y"`, `import "y"`, `export * from "y"`; a dynamic `import("y")` has a bracket: left out.
_STATIC = re.compile(r"""(?:^|[;}\s*])(?:import|from)\s*["']([^"'\s]+)["']""")


def static_imports(site: Site, entry: str, import_map: dict[str, str]) -> list[str]:
    """Addresses of `entry` and of everything it imports statically, entry first, each once."""
    seen: dict[str, None] = {}
    waiting = [entry]
    while waiting:
        url = waiting.pop(0)
        if url in seen:
            continue
        asset = _load(site, url)
        if asset is None:
            continue
        seen[url] = None
        waiting += [_resolve(found, url, import_map) for found in _STATIC.findall(asset)]
    return list(seen)


def _load(site: Site, url: str) -> str | None:
    if url.startswith("/web/"):
        found = site.own_file(url.removeprefix("/web/"))
    elif url.startswith("/modules/"):
        found = site.module_file(url.removeprefix("/modules/"))
    else:
        return None
    return found.body.decode() if found else None


def _resolve(specifier: str, importer: str, import_map: dict[str, str]) -> str:
    if specifier.startswith((".", "/")):
        return posixpath.normpath(posixpath.join(posixpath.dirname(importer), specifier))
    if specifier in import_map:
        return import_map[specifier]
    for prefix in sorted((name for name in import_map if name.endswith("/")), key=len, reverse=True):
        if specifier.startswith(prefix):
            return import_map[prefix] + specifier.removeprefix(prefix)
    return specifier
