"""A gateway as small as can be: one line in is one request, answered when the broker has it."""

from __future__ import annotations

import asyncio
import json
import sys

from streams.core.producer import EventProducer, LogUnavailable
from streams.core.settings import load_settings


async def main(port: int) -> None:
    producer = EventProducer(load_settings(), "chaos-gateway")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line)
            rid = request["rid"]
            try:
                await producer.publish(
                    "chaos.a.requests", request["client"], "kinolog.chaos.Asked", {"rid": rid}, ce_id=rid
                )
            except LogUnavailable:
                break  # not acknowledged: the client asks again
            writer.write(b"ok\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
