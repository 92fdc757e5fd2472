"""Live chat: the service's frame. Its routes come with the domain."""

from __future__ import annotations

from typing import Final

from gateways.core.app import Service

SERVICE: Final = Service(name="chat", needs=("redis",))
