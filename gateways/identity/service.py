"""Accounts and keys: the service's frame. Its routes come with the domain."""

from __future__ import annotations

from typing import Final

from gateways.core.app import Service

SERVICE: Final = Service(
    name="identity",
    about="It keeps accounts, keys and sessions. "
    "Its own routes are not there yet: it answers for its health.",
    needs=("redis",),
)
