"""The schema registry's read side: the service's frame. Its routes come with the domain."""

from __future__ import annotations

from typing import Final

from gateways.core.app import Service

SERVICE: Final = Service(
    name="registry",
    about="It shows the schemas of every event on the log. "
    "Its own routes are not there yet: it answers for its health.",
    needs=(),
)
