"""Links in a text, those in disguise included, and what a room's rules say of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable
from typing import Final

from streams.core.screening.normalise import Table

_WORDS: Final = (  # of two letters, each the end of some country's names
    "ad|ah|am|an|as|at|be|by|do|eh|go|he|hi|if|in|is|it|la|ma|me|mr|ms|my|no|of|oh|ok|on|or|pm|so|to|uh|um|"
    "up|us|we|ye"
)
_USUAL_END: Final = re.compile(
    "com|net|org|info|biz|xyz|top|club|online|site|shop|store|app|dev|website|space|tech|live|pro|link|click|"
    rf"icu|vip|fun|рф|xn--.*|(?!{_WORDS})[a-z]{{2}}"
)
"""Ends of names that make a link of a bare name."""
_STRONG: Final = "com|net|org|info|biz|xyz|tv|gg|ly|ru|io|co"
_DOTS: Final = "\u3002\uff0e\uff61\u2024"  # browsers take them for full stops in names
_SPELLED_DOT: Final = re.compile(  # spaces are counted: else many of them would take long
    r"\s{0,3}[\[({<]\s{0,3}(?:\.|dot|punkt|point)\s{0,3}[\])}>]\s{0,3}"  # example[.]com, example (dot) com
    r"|\s{1,3}dot\s{1,3}(?=[\w-]+\b)"  # example dot com
    rf"|\s{{1,3}}\.\s{{1,3}}(?=(?:{_STRONG})\b)"  # example . com
)
_HOSTLESS: Final = re.compile(
    r"(?<![\w-])(?P<scheme>(?:java|vb|live)script(?=\s{0,3}:\s{0,3}[\w/(\[{'\"`%])"
    r"|data(?=:(?:[\w.+-]{1,40}/[\w.+-]{1,60})?(?:;[\w=+-]{1,40}){0,4},)"  # `data: 5` is none
    r"|(?:file|filesystem|blob|view-source|jar|intent|about)(?=:(?:[/\\]|https?:|blank\b))"
    r"|magnet(?=:\?)"
    r"|(?!https?:|hxxps?:|ftp:|wss?:)[a-z][a-z\d+.-]{1,20}(?=://[\w\[]))"
)
"""Addresses that run or show what stands in them, read a disk, or open another program."""
_DOTTED: Final = re.compile(r"\.\w")
_LINK: Final = re.compile(
    r"\b(?:https?|hxxps?|ftp|wss?):[/\\]{1,2}(?P<authority>[^\s/\\?#]+)"
    r"|(?<![\w@.-])(?P<www>www\.)?(?P<name>(?:[\w-]{1,63}\.){1,8}(?P<end>[^\W\d_]{2,24}|xn--[\w-]{2,59}))"
    r"(?![\w@-])(?P<path>:\d{2,5}\b|/\w|/(?!\S)|\?\w)?"
    r"|(?<![\w@.-])(?P<address>(?:\d{1,3}\.){3}\d{1,3})(?![\w.-])"
)


def _read(character: str) -> str:
    """A character as browsers and people read it in an address."""
    if character in _DOTS:
        return "."
    if unicodedata.category(character) == "Cf":
        return ""
    return unicodedata.normalize("NFKC", character).casefold()


_READ: Final = Table(_read)


def hosts(text: str) -> list[str]:
    """Hosts that a text links to, in their order, in lower case as DNS has them; one for each link.

    A link is an address with its scheme, a name with a path, a bare name under a usual ending, or an IPv4
    address; `example (dot) com` is one, an e-mail address and a missing space after a full stop are not.
    Of an address of another scheme than the web's (`javascript:`, `data:`) it is the scheme with its colon,
    which is of no domain; these come last.
    """
    plain = text.lower() if text.isascii() else text.translate(_READ)
    if "dot" in plain or " . " in plain or any(bracket in plain for bracket in "[({<"):
        plain = _SPELLED_DOT.sub(".", plain)
    hostless = [match["scheme"] + ":" for match in _HOSTLESS.finditer(plain)] if ":" in plain else []
    if "://" not in plain and ":\\" not in plain and not _DOTTED.search(plain):
        return hostless
    return [host for match in _LINK.finditer(plain) if (host := _host(match))] + hostless


def is_of(host: str, domains: Container[str]) -> bool:
    """Whether a host is one of the domains or below one."""
    while host not in domains:
        _, dot, host = host.partition(".")
        if not dot:
            return False
    return True


def broken(found: Iterable[str], policy: str, allowed: Container[str], denied: Container[str]) -> str | None:
    """The part of the link rules that links to these hosts break: "denied", "policy" or None."""
    found = list(found)
    if any(is_of(host, denied) for host in found):
        return "denied"
    if policy == "all" or (policy == "listed" and all(is_of(host, allowed) for host in found)):
        return None
    return "policy" if found else None


def _host(match: re.Match[str]) -> str | None:
    if authority := match["authority"]:
        # What stands before an @ is a user's name, however much it looks like a host.
        name = authority.rpartition("@")[2]
        name = name[: name.find("]") + 1] if name.startswith("[") else name.partition(":")[0]
    elif match["name"]:
        if not (_USUAL_END.fullmatch(match["end"]) or match["path"] or match["www"]):
            return None
        name = (match["www"] or "") + match["name"]
    else:
        name = match["address"]
    name = name.strip(".,;!'\")}>")
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name
