"""What is served, with which policy, and how modules are found; no browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateways.web.site import CALLS, SERVED_PACKAGES, TITLES, WEB_ROOT, Site

NAMES = list(TITLES)


@pytest.fixture(scope="module")
def site() -> Site:
    return Site()


@pytest.mark.parametrize("name", NAMES)
def test_the_policy_names_exactly_the_import_map_of_the_page(site: Site, name: str) -> None:
    html, policy = site.page(name)
    inline = re.findall(r"<script(?![^>]*src)[^>]*>(.*?)</script>", html.decode(), re.DOTALL)
    assert len(inline) == 1
    digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "unsafe-eval" not in policy
    assert ("'unsafe-inline'" in policy) == (name == "watch")


@pytest.mark.parametrize(
    ("place", "host", "sources"),
    [
        (":3004", "127.0.0.1:3001", " http://127.0.0.1:3004 ws://127.0.0.1:3004"),
        (":3004", "[::1]:3001", " http://[::1]:3004 ws://[::1]:3004"),
        ("https://chat.example/", "video.example", " https://chat.example wss://chat.example"),
        (":3004", "evil.example; script-src *", ""),
        (":3004", "", ""),
    ],
)
def test_pages_with_chat_may_call_that_service_and_nobody_else(place: str, host: str, sources: str) -> None:
    site = Site(places={"chat": place, "identity": ":3003"})
    for name in NAMES:
        _, policy = site.page(name, host)
        assert f"connect-src 'self'{sources if 'chat' in CALLS.get(name, ()) else ''};" in policy


@pytest.mark.parametrize("name", NAMES)
def test_every_module_of_a_page_is_served_and_asked_for_at_once(site: Site, name: str) -> None:
    urls = site.preload(name)
    assert urls[0] == f"/web/{name}/page.js"
    assert len(urls) == len(set(urls)) > 10
    assert any("lit-html" in url for url in urls)
    assert not any("hls" in url or "media-chrome" in url for url in urls), "players load when needed"


def test_import_map_points_at_files_that_exist(site: Site) -> None:
    for name, url in json.loads(site.import_map())["imports"].items():
        path = WEB_ROOT / "node_modules" / url.removeprefix(f"{site.module_base}/")
        assert url.startswith("/web/") or path.exists(), name


def test_served_packages_are_runtime_dependencies() -> None:
    packages = json.loads((WEB_ROOT / "package-lock.json").read_text())["packages"]
    for name in SERVED_PACKAGES:
        assert not packages[f"node_modules/{name}"].get("dev", False), name


def test_the_lock_holds_no_addresses_of_packages() -> None:
    packages = json.loads((WEB_ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert all("integrity" in entry for name, entry in packages.items() if name)


def test_modules_are_cached_for_ever_only_under_their_revision(site: Site) -> None:
    now = site.module_file(f"r-{site.revision}/lit/index.js")
    old = site.module_file("r-000000000000/lit/index.js")
    assert now is not None
    assert old is not None
    assert "immutable" in now.cache_control
    assert "immutable" not in old.cache_control


@pytest.mark.parametrize(
    "path",
    [
        "lit/./index.js", "lit//index.js", "/lit/index.js", "lit/../lit/index.js", "lit/index.js/",
        "lit/none.js", "lit/\0.js", "../site.py",
    ],
)  # fmt: skip
def test_what_is_kept_does_not_grow_with_the_paths_that_are_asked_for(path: str) -> None:
    fresh = Site()
    assert fresh.module_file(path) is None
    assert fresh.own_file(f"shared/{path}") is None
    assert fresh._files == {}


def test_development_packages_have_no_way_round(site: Site) -> None:
    assert (WEB_ROOT / "node_modules" / "lit" / "index.js").is_file()
    assert site.own_file("shared/mark.svg") is not None
    assert site.own_file("node_modules/lit/index.js") is None
    assert site.own_file("shared/../node_modules/lit/index.js") is None
    assert site.own_file("shared/../package-lock.json") is None


def test_missing_modules_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="npm ci"):
        Site(tmp_path)


def by_node(*arguments: str) -> str:
    beside = Path(sys.executable).with_name("node")
    node = str(beside) if beside.exists() else shutil.which("node")
    assert node is not None, "no node: install the dependency group `stack`"
    done = subprocess.run([node, *arguments], cwd=WEB_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_own_modules_pass_their_lint() -> None:
    by_node("lint.mjs")


def test_what_people_write_links_to_the_web_alone() -> None:
    texts = [
        *("javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///a", "blob:http:x", "//e.org"),
        *("javascript://e.org/%0aalert(1)", "javascript:a('https://e.org/')", "HTTPS://e.org/a"),
    ]
    script = (
        'import { parts } from "./chat/text.js";'
        f"const found = {json.dumps(texts)}.flatMap(parts).map((part) => part.href).filter(Boolean);"
        "console.log(JSON.stringify(found));"
    )
    links = json.loads(by_node("--input-type=module", "-e", script))
    assert links == ["https://e.org/", "https://e.org/a"]
