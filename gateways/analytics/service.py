"""Playback analytics: the service's frame. Its routes come with the domain."""

from __future__ import annotations

from typing import Final

from gateways.core.app import Service

SERVICE: Final = Service(
    name="analytics",
    about="It counts what is watched, and how well it played. "
    "Its own routes are not there yet: it answers for its health.",
    needs=("redis",),
)
