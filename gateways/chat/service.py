"""Live chat: the service's frame. Its routes come with the domain."""

from __future__ import annotations

from typing import Final

from gateways.core.app import Service

SERVICE: Final = Service(
    name="chat",
    about="It carries the live chat beside a film. "
    "Its own routes are not there yet: it answers for its health.",
    needs=("redis",),
)
