"""Redis commands that can be cancelled on Python 3.11.

redis-py bounds each write with `asyncio.wait_for`, and that of Python 3.11 loses a cancellation which comes
while the write has just ended: the task runs on as if nobody had asked it to stop. A worker that stops
renewing a lease this way would wait for the renewal for ever. `asyncio.timeout` has no such gap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError


async def _send_packed_command(
    self: AbstractConnection, command: bytes | str | Iterable[bytes], check_health: bool = True
) -> None:
    """As redis-py's own, errors and all, but for the bound."""
    if not self.is_connected:
        await self.connect_check_health(check_health=False)
    if check_health:
        await self.check_health()  # type: ignore[no-untyped-call]
    pieces = [command.encode()] if isinstance(command, str) else command
    try:
        async with asyncio.timeout(self.socket_timeout or None):
            await self._send_packed_command([pieces] if isinstance(pieces, bytes) else pieces)
    except TimeoutError:
        await self.disconnect(nowait=True)
        raise RedisTimeoutError("Timeout writing to socket") from None
    except OSError as error:
        await self.disconnect(nowait=True)
        raise RedisConnectionError(f"Error while writing to socket: {error}.") from error
    except BaseException:
        # Half a command may be out: the connection is of no more use.
        await self.disconnect(nowait=True)
        raise


def make_writes_cancellable() -> None:
    """For every connection of this process, cluster nodes' included; doing it twice changes nothing."""
    AbstractConnection.send_packed_command = _send_packed_command  # type: ignore[method-assign]
