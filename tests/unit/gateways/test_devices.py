"""User agents as they are: what people watch on, and what no person is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.core.devices import LONGEST_NAME, device_of

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
AGENTS = [
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36", "desktop",
     "Windows", "Chrome"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 "
     "Safari/605.1.15", "desktop", "Mac OS X", "Safari"),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "desktop", "Ubuntu",
     "Firefox"),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36", "desktop",
     "Chrome OS", "Chrome"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/17.0 Mobile/15E148 Safari/604.1", "mobile", "iOS", "Mobile Safari"),
    (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36", "mobile",
     "Android", "Chrome Mobile"),
    (f"Mozilla/5.0 (Linux; Android 10; CUBOT X30) {_WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36", "mobile",
     "Android", "Chrome Mobile"),
    ("app/1.0 (Linux;Android 14) ExoPlayerLib/2.19.1", "mobile", "Android", "Android"),
    ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 "
     "Mobile/15E148 Safari/604.1", "tablet", "iOS", "Mobile Safari"),
    (f"Mozilla/5.0 (Linux; Android 14; SM-X910) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36", "tablet",
     "Android", "Chrome"),
    (f"Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) {_WEBKIT} SamsungBrowser/2.2 Chrome/63.0.3239.84 TV "
     "Safari/537.36", "tv", "Tizen", "Samsung Internet"),
    (f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_WEBKIT} Chrome/79.0.3945.79 Safari/537.36 WebAppManager", "tv",
     "Web0S", "Chrome"),
    (f"Mozilla/5.0 (Linux; Android 9; AFTMM) {_WEBKIT} Silk/108.9.6 like Chrome/108 Safari/537.36", "tv",
     "Android", "Amazon Silk"),
    ("Roku/DVP-12.0 (12.0.0.4182-46)", "tv", "Roku", "Roku"),
    ("Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 "
     "Safari/605.1.15", "console", "", "Safari"),
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {_WEBKIT} Edge/44", "console", "Windows",
     "Edge"),
    ("VLC/3.0.18 LibVLC/3.0.18", "other", "", "VLC"),
    ("", "other", "", ""),
]  # fmt: skip
BOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/141.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "python-requests/2.31.0",
    "Go-http-client/1.1",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
]


@pytest.mark.parametrize(("agent", "kind", "os", "browser"), AGENTS, ids=lambda value: str(value)[:40])
def test_what_people_watch_on(agent: str, kind: str, os: str, browser: str) -> None:
    assert device_of(agent) == (kind, os, browser, False)


@pytest.mark.parametrize("agent", BOTS)
def test_what_is_no_person(agent: str) -> None:
    found = device_of(agent)
    assert (found.kind, found.bot) == ("bot", True)


@given(st.text(max_size=600))
def test_whatever_a_client_calls_itself(agent: str) -> None:
    found = device_of(agent)
    assert found.kind in ("desktop", "mobile", "tablet", "tv", "console", "bot", "other")
    assert len(found.os) <= LONGEST_NAME
    assert len(found.browser) <= LONGEST_NAME
