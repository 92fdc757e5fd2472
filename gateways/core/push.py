"""The push hub: one sharded subscription per watched partition tag, shared by all clients of the process.

A notification only says which keys changed; who watches reads the document again. So a slow client costs one
flag, never a queue, and a gap cannot be missed: each (re)subscription marks everything as changed.
Works on a single Redis and on a Cluster (there one connection per node that owns a watched tag).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cached_property
from typing import Any, Final, Protocol

import orjson
from redis.exceptions import RedisError

from gateways.core.deps import RedisReader
from streams.core import failures
from streams.core.logging import get_logger

_log = get_logger("gateway.push")
POLL_S: Final = 1.0
BACKOFF_S: Final = (0.05, 0.2, 0.5, 1.0)
SUBSCRIBE_TIMEOUT_S: Final = 5.0


class Note:
    """One notification; what all who hear it ask of it is parsed once."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload

    @cached_property
    def keys(self) -> list[str] | None:
        """The changed keys, or None (everything) for a payload that is not a list of them."""
        try:
            keys = orjson.loads(self.payload)
        except orjson.JSONDecodeError:
            return None
        return [str(key) for key in keys] if isinstance(keys, list) else None


class Listener(Protocol):
    """Who hears the notes of a channel."""

    def hear(self, note: Note | None) -> None:
        """Called by the hub, must return at once. None: something may have been missed."""


class Subscription:
    """One client's interest in a tag, optionally in some keys only."""

    def __init__(self, keys: frozenset[str] | None) -> None:
        self._keys = keys
        self._wake = asyncio.Event()

    def hear(self, note: Note | None) -> None:
        """Where something may have been missed, everything is taken as changed."""
        if note is None or self._keys is None or note.keys is None or not self._keys.isdisjoint(note.keys):
            self._wake.set()

    async def changed(self, timeout_s: float) -> bool:
        """Wait for a change; True if there was one since the last call, False after `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        seen = self._wake.is_set()
        self._wake.clear()
        return seen


class _Channel:
    """A tag that somebody watches."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.confirmed = asyncio.Event()


class Hub:
    """`async with hub.watch(tag)`; needs `start()` before and `stop()` after."""

    def __init__(self, redis: RedisReader, *, on_reconnect: Callable[[], None] = lambda: None) -> None:
        self._redis = redis
        self._on_reconnect = on_reconnect
        self._pubsub: Any = None
        self._channels: dict[str, _Channel] = {}
        self._lock = asyncio.Lock()
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def start(self) -> None:
        """Nothing connects before the first watch."""
        self._stopping = False
        self._pubsub = self._redis.pubsub()

    async def stop(self) -> None:
        """End all reading and close the connections; watchers simply hear nothing more."""
        self._stopping = True
        for task in self._readers.values():
            task.cancel()
        await asyncio.gather(*self._readers.values(), return_exceptions=True)
        self._readers.clear()
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.aclose()
            self._pubsub = None

    @property
    def watched(self) -> frozenset[str]:
        """Tags with at least one watcher."""
        return frozenset(self._channels)

    @asynccontextmanager
    async def watch(self, channels: Sequence[str], keys: Sequence[str] = ()) -> AsyncIterator[Subscription]:
        """One subscription over all `channels`; without `keys` every change in them counts."""
        subscription = Subscription(frozenset(keys) if keys else None)
        async with self.listen(channels, subscription):
            yield subscription

    @asynccontextmanager
    async def listen(self, channels: Sequence[str], listener: Listener) -> AsyncIterator[None]:
        """Subscribed from the moment the body runs: read after entering and nothing is missed."""
        async with AsyncExitStack() as stack:
            entries = []
            for channel in channels:
                entries.append(await self._enter(channel, listener))
                stack.push_async_callback(self._leave, channel, listener)
            # Without a confirmation the caller still has its own rechecks: late, not wrong.
            with suppress(TimeoutError):
                async with asyncio.timeout(SUBSCRIBE_TIMEOUT_S):
                    for entry in entries:
                        await entry.confirmed.wait()
            yield

    async def _enter(self, channel: str, listener: Listener) -> _Channel:
        async with self._lock:
            entry = self._channels.get(channel)
            if entry is None:
                entry = self._channels[channel] = _Channel()
                entry.listeners.add(listener)
                try:
                    await self._pubsub.ssubscribe(channel)
                except BaseException:
                    del self._channels[channel]
                    raise
                self._read_all_nodes()
            else:
                entry.listeners.add(listener)
        return entry

    async def _leave(self, channel: str, listener: Listener) -> None:
        async with self._lock:
            entry = self._channels.get(channel)
            if entry is None:
                return
            entry.listeners.discard(listener)
            if entry.listeners:
                return
            del self._channels[channel]
            if self._pubsub is not None:
                with suppress(RedisError, OSError):
                    await self._pubsub.sunsubscribe(channel)

    def _read_all_nodes(self) -> None:
        """One reader for a single server, one per node for a cluster (its own polling is one by one)."""
        nodes = getattr(self._pubsub, "node_pubsub_mapping", None)
        names = ["single"] if nodes is None else list(nodes)
        for name in names:
            task = self._readers.get(name)
            if task is None or task.done():
                self._readers[name] = asyncio.create_task(self._read(name), name=f"push-{name}")

    async def _read(self, name: str) -> None:
        failures = 0
        while not self._stopping:
            try:
                message = await self._next(name)
                failures = 0
            except (RedisError, OSError, RuntimeError) as error:
                if failures == 0:
                    _log.warning("notifications broke off", node=name, error=type(error).__name__)
                    self._on_reconnect()
                self._mark_all()
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1
                continue
            if message is not None:
                self._deliver(message)
            elif not self._channels and name != "single":
                return

    async def _next(self, name: str) -> dict[str, Any] | None:
        if name == "single":
            message: dict[str, Any] | None = await self._pubsub.get_message(timeout=POLL_S)
            return message
        node = self._pubsub.cluster.get_node(node_name=name)
        if node is None or name not in self._pubsub.node_pubsub_mapping:
            self._read_all_nodes()
            await asyncio.sleep(POLL_S)
            return None
        message = await self._pubsub.get_sharded_message(timeout=POLL_S, target_node=node)
        self._read_all_nodes()  # slots may have moved to a node that nobody reads yet
        return message

    def _deliver(self, message: dict[str, Any]) -> None:
        entry = self._channels.get(_text(message["channel"]))
        if entry is None:
            return
        kind = _text(message["type"])
        if kind == "ssubscribe":
            entry.confirmed.set()
            # Also after a reconnect: what was published in between is gone, so everybody reads again.
            _tell(entry, None)
        elif kind == "smessage":
            _tell(entry, Note(_bytes(message["data"])))

    def _mark_all(self) -> None:
        for entry in self._channels.values():
            _tell(entry, None)


def _tell(channel: _Channel, note: Note | None) -> None:
    for listener in channel.listeners:
        try:
            listener.hear(note)
        except Exception as error:  # else nobody of this process would hear anything any more
            failures.tell(_log, "a notification was not understood", error)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
