"""Many clients of a chat server in one process: each reads what it gets, as every client must, and counts it.

Each message has MARK and the time of its sending in its text; a few clients look at that time. Run as
`python -m tests.bench.chat_clients`, it takes commands as lines of JSON and answers each with one:

    {"do": "connect", "kind": "kinolog" | "socket.io" | "idle", "port", "count", "room", "tokens": [...]}
    {"do": "send", "per_s", "for_s"}         the senders, in turns; answers {"sent"}
    {"do": "wait", "deliveries", "for_s"}    until so many came; answers {"deliveries", "latencies_ms"}
    {"do": "reset"}                          counts from 0 again
    {"do": "last"}                           answers {"id"}: what the first client's room was at when it came
    {"do": "reconnect", "count", "since"}    as many clients go and come back; answers {"took_s", "recovered"}
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import resource
import sys
import time
from typing import Any, Final

import orjson
import uvloop

from gateways.core.frames import text_frame

MARK: Final = "mark-kinolog"
PING: Final = 0x89
PONG: Final = 0x8A
SAMPLED: Final = 10
"""Every so manieth client reads the times of sending."""
AT_ONCE: Final = 200
_SENT_AT: Final = re.compile(r"mark-kinolog (\d+)\.")
PADDING: Final = "x" * 60


def masked(payload: bytes) -> bytes:
    """A client's text frame: masked with zeros, which leaves the bytes as they are."""
    frame = text_frame(payload)
    length = 2 if len(payload) < 126 else 4
    return bytes((frame[0], frame[1] | 0x80)) + frame[2:length] + b"\0\0\0\0" + payload


def frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """First byte and payload of the whole frames in `data`, and the rest. A server's are not masked."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while len(data) >= at + 2:
        size, begin = data[at + 1], at + 2
        if size > 125:
            begin += 2 if size == 126 else 8
            if len(data) < begin:
                break
            size = int.from_bytes(data[at + 2 : begin], "big")
        if len(data) < begin + size:
            break
        found.append((data[at], data[begin : begin + size]))
        at = begin + size
    return found, data[at:]


class Tally:
    """What all clients got."""

    def __init__(self) -> None:
        self.deliveries = 0
        self.latencies_ms: list[float] = []


class Client(asyncio.Protocol):
    """One connection. `sampled`: it reads the times of sending."""

    def __init__(self, head: bytes, hello: list[bytes], joined: bytes, tally: Tally, sampled: bool) -> None:
        self._head, self._hello, self._joined_by = head, hello, joined
        self._tally, self._sampled = tally, sampled
        self._rest = self.first = b""
        self._upgraded = False
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._head)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(f"refused: {self.first[:200]!r}"))

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if not self._upgraded:
            self._upgraded = b"\r\n\r\n" in self._rest
            if not self._upgraded:
                return
            self.first, _, self._rest = self._rest.partition(b"\r\n\r\n")
        whole, self._rest = frames(self._rest)
        for kind, payload in whole:
            if kind == PING:
                self.transport.write(bytes((PONG, 0x80)) + bytes(4))
            elif payload == b"2":  # Engine.IO's ping
                self.transport.write(masked(b"3"))
            elif self.joined.done():
                self._read(payload)
            else:
                self._greet(payload)

    def _read(self, payload: bytes) -> None:
        said = orjson.loads(payload.removeprefix(b"42"))
        # Socket.IO's is ["message", {"text"}], ours {"type": "batch", "items": [{"text"}]}.
        items = [said[1]] if isinstance(said, list) else said.get("items", ())
        texts = [item["text"] for item in items if "text" in item]
        self._tally.deliveries += len(texts)
        if self._sampled and texts:
            now_ms = time.time() * 1000
            sent = filter(None, map(_SENT_AT.match, texts))
            self._tally.latencies_ms += [now_ms - int(each[1]) / 1000 for each in sent]

    def _greet(self, payload: bytes) -> None:
        self.first += payload
        while self._hello and self._hello[0] in self.first:
            self.transport.write(masked(self._hello[1]))
            del self._hello[:2]
        if not self._hello and self._joined_by in self.first:
            self.joined.set_result(None)


class Crowd:
    """All clients of this process."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.clients: list[Client] = []
        self.senders: list[Client] = []
        self._connected: dict[str, Any] = {}
        self._said = 0

    async def connect(self, **how: Any) -> dict[str, Any]:
        self._connected = how
        made = await self._made(how["count"], how["tokens"])
        self.clients += made
        self.senders = self.clients[: len(how["tokens"]) or 1]
        return {"connected": len(self.clients)}

    async def _made(self, count: int, tokens: list[str], since: Any = None) -> list[Client]:
        made: list[Client] = []
        for at in range(0, count, AT_ONCE):
            some = range(at, min(count, at + AT_ONCE))
            each = (self._one(n, tokens[n] if n < len(tokens) else "", since) for n in some)
            made += await asyncio.gather(*each)
        return made

    async def _one(self, number: int, token: str, since: Any) -> Client:
        how, loop = self._connected, asyncio.get_running_loop()
        key = base64.b64encode(os.urandom(16)).decode()
        path = "/socket.io/?EIO=4&transport=websocket" if how["kind"] == "socket.io" else "/v1/socket"
        lines = [
            f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{how['port']}",
            "Connection: Upgrade", "Upgrade: websocket",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
        ]  # fmt: skip
        if token:
            lines.append(f"Sec-WebSocket-Protocol: kinolog.v1, kinolog.bearer.{token}")
        if how["kind"] == "socket.io":
            hello, joined = [b"0{", b"40"], b'40{"sid"'
        else:
            wish = {"type": "subscribe", "room": how["room"], **({"since": since} if since else {})}
            hello, joined = [b'{"type":"ready"}', json.dumps(wish).encode()], b'"items":['
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        client = Client(head, hello, joined, self.tally, number % SAMPLED == 0)
        await loop.create_connection(lambda: client, "127.0.0.1", how["port"])
        await asyncio.wait_for(client.joined, 60)
        return client

    async def send(self, per_s: float, for_s: float) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        began_s, count = loop.time(), int(per_s * for_s)
        for number in range(count):
            pause_s = began_s + number / per_s - loop.time()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            self._said += 1
            self.senders[number % len(self.senders)].transport.write(masked(self._message()))
        return {"sent": count}

    def _message(self) -> bytes:
        text = f"{MARK} {int(time.time() * 1e6)}. {self._said} {PADDING}"
        if self._connected["kind"] == "socket.io":
            return b'42["message",' + json.dumps({"text": text, "from": "somebody"}).encode() + b"]"
        wish = {"type": "send", "room": self._connected["room"], "client_id": f"{os.getpid()}-{self._said}"}
        return json.dumps({**wish, "text": text}).encode()

    async def wait(self, deliveries: int, for_s: float) -> dict[str, Any]:
        until_s = time.monotonic() + for_s
        while self.tally.deliveries < deliveries and time.monotonic() < until_s:  # noqa: ASYNC110  # counts
            await asyncio.sleep(0.02)
        return {"deliveries": self.tally.deliveries, "latencies_ms": self.tally.latencies_ms}

    async def reset(self) -> dict[str, Any]:
        self.tally.deliveries, self.tally.latencies_ms = 0, []
        return {}

    async def last(self) -> dict[str, Any]:
        found = re.search(rb'"id":(-?\d+)', self.clients[0].first)
        return {"id": int(found[1]) if found else -1}

    async def reconnect(self, count: int, since: Any) -> dict[str, Any]:
        """Those who send stay."""
        for client in self.clients[-count:]:
            client.transport.abort()
        del self.clients[-count:]
        began_s = time.monotonic()
        made = await asyncio.gather(*(self._one(1, "", since) for _ in range(count)))
        took_s = time.monotonic() - began_s
        self.clients += made
        return {"took_s": took_s, "recovered": sum(b'"recovered":true' in client.first for client in made)}


async def main() -> None:
    """Commands until the input ends."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    crowd, loop = Crowd(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        answer = await getattr(crowd, command.pop("do"))(**command)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
