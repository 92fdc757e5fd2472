"""On what somebody watches, by the user agent: kind of device, system, browser, and whether it is a bot.

ua-parser's rules (uap-core) tell names and models. What they leave open, the kind of device, is told by a few
words that makers of televisions and consoles put into theirs. Programs that are no players (crawlers, HTTP
libraries, browsers without a window) are bots: flagged, and counted apart.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import ua_parser

LONGEST_AGENT: Final = 400
LONGEST_NAME: Final = 64
KEPT: Final = 4096
_BOT: Final = re.compile(
    r"headless|phantomjs|puppeteer|playwright|selenium|lighthouse|(?<!cu)bot\b|crawl|spider|slurp|"
    r"^curl/|^wget/|python-|python/|aiohttp|go-http-client|java/|libwww|axios|node-fetch|^node$|undici|"
    r"apache-httpclient|postman|scrapy|httpx",
    re.IGNORECASE,
)
_TV: Final = re.compile(
    r"smart-?tv|googletv|google tv|android ?tv|appletv|apple tv|\btv\b|hbbtv|bravia|web0s|webos|tizen|roku|"
    r"crkey|\baft[a-z]|netcast|viera|aquos|dtv|fire ?tv",
    re.IGNORECASE,
)
_CONSOLE: Final = re.compile(r"playstation|xbox|nintendo", re.IGNORECASE)
_TABLET: Final = re.compile(r"ipad|tablet|kindle|silk/|playbook", re.IGNORECASE)
_MOBILE: Final = re.compile(r"mobile|iphone|ipod|phone|opera mini", re.IGNORECASE)
_DESKTOP: Final = re.compile(r"windows nt|macintosh|x11|cros ", re.IGNORECASE)


class Device(NamedTuple):
    """`kind` is desktop, mobile, tablet, tv, console, bot or other; names are "" where nobody knows."""

    kind: str
    os: str
    browser: str
    bot: bool


def device_of(agent: str) -> Device:
    """Of a User-Agent header. Those asked for lately are kept."""
    return _device(agent[:LONGEST_AGENT])


@lru_cache(KEPT)
def _device(agent: str) -> Device:
    found = ua_parser.parse(agent)
    spider = found.device is not None and found.device.family == "Spider"
    bot = spider or _BOT.search(agent) is not None
    os = found.os.family if found.os is not None else ""
    browser = found.user_agent.family if found.user_agent is not None else ""
    brand = found.device.brand or "" if found.device is not None else ""
    return Device("bot" if bot else _kind(agent, brand), os[:LONGEST_NAME], browser[:LONGEST_NAME], bot)


def _kind(agent: str, brand: str) -> str:
    """Televisions and tablets speak of Android and of desktops, too: they are asked for first."""
    if _CONSOLE.search(agent):
        return "console"
    if _TV.search(agent) or brand == "Generic_Inettv":
        return "tv"
    if _TABLET.search(agent) or brand == "Generic_Android_Tablet":
        return "tablet"
    if _MOBILE.search(agent):
        return "mobile"
    if "Android" in agent:  # Chrome on phones says Mobile; apps say nothing
        return "tablet" if "Chrome/" in agent else "mobile"
    return "desktop" if _DESKTOP.search(agent) else "other"
