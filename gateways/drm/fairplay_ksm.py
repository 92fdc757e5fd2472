"""FairPlay's key-security module as a plug-in: what is asked of one, and the one that is a server elsewhere.

Apple's agreement gives a private key, an application secret and the function that opens a player's request
(SPC) and makes its answer (CKC). None of them is here: a module has them, and is told what the grant says.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol, cast

from gateways.drm import entitlement
from gateways.drm.upstream import Upstream
from streams.core.licence_settings import FairPlayLicences
from streams.core.settings import SettingsError

SPC_TYPE: Final = "application/octet-stream"


class SpcRefused(Exception):
    """The module does not take this SPC; the message is a sentence for the player, and names no secret."""


class FairPlayKsm(Protocol):
    """A key-security module. `enforces`: rules of `schemas.drm.views.ENFORCEABLE` that its CKCs hold to."""

    @property
    def enforces(self) -> Collection[str]: ...

    async def ckc(self, spc: bytes, told: Mapping[str, Any]) -> bytes:
        """The answer to a player's SPC. `told` is an entitlement (`gateways.drm.entitlement`) of one key,
        which has its vector as `iv`. Raises SpcRefused, or OSError or TimeoutError while it is away."""

    async def close(self) -> None:
        """Once, at the end."""


class KsmServer:
    """A module that is reached over HTTP: the SPC as the body, key and rules sealed beside it."""

    def __init__(self, url: str, secret: bytes, enforces: Collection[str], upstream: Upstream) -> None:
        self._url, self._secret, self._upstream = url, secret, upstream
        self.enforces = enforces

    async def ckc(self, spc: bytes, told: Mapping[str, Any]) -> bytes:
        """Problem 503 for whatever is no CKC in time."""
        headers = {"Content-Type": SPC_TYPE, entitlement.HEADER: entitlement.seal(told, self._secret)}
        return await self._upstream.post("fairplay", self._url, spc, headers)

    async def close(self) -> None:
        """The connections are the upstream's."""


def module_of(settings: FairPlayLicences, upstream: Upstream) -> FairPlayKsm:
    """The server, or what the plug-in's factory makes. SettingsError if there is no such factory."""
    if settings.url is not None:
        return KsmServer(settings.url, settings.sealing_key(), settings.enforces, upstream)
    assert settings.module is not None
    package, _, name = settings.module.partition(":")
    try:
        return cast("FairPlayKsm", getattr(importlib.import_module(package), name)())
    except (ImportError, AttributeError) as error:
        raise SettingsError(
            f"FAIRPLAY_LICENCES: module {settings.module!r} cannot be loaded ({error}): install it beside "
            "Kinolog, and name its factory as package.module:name"
        ) from error
