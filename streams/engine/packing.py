"""Redis commands packed by hiredis: a chunk's write has thousands of arguments, dear to pack in Python."""

from __future__ import annotations

from typing import Any

import hiredis
from redis.asyncio.connection import Connection


class PackedConnection(Connection):
    """A plain connection. Pass as `connection_class` of a single server's client."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """The command as bytes; arguments are str, bytes, int or float."""
        name = args[0]
        if isinstance(name, str) and " " in name:  # CLIENT SETINFO is two words
            args = (*name.split(), *args[1:])
        return [hiredis.pack_command(args)]
