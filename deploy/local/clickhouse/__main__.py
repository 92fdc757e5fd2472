"""`python -m deploy.local.clickhouse --path DIR --port N`: serve until SIGTERM, then close the engine."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal

from aiohttp import web

from deploy.local.clickhouse.engine import Engine
from deploy.local.clickhouse.front import Front

STOP_WITHIN_S = 2.0


async def serve(front: Front, host: str, port: int) -> None:
    """Listen until told to stop; what runs then gets STOP_WITHIN_S to finish."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    # Bodies are inflated by us: aiohttp stops after the first member of a gzip body.
    runner = web.AppRunner(
        front.app(), access_log=None, auto_decompress=False, shutdown_timeout=STOP_WITHIN_S
    )
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    await ending.wait()
    await runner.cleanup()


def main() -> None:
    """Open the engine, serve, close. The password comes by environment: an argument shows in `ps`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    engine = Engine(arguments.path)
    try:
        front = Front(engine, os.environ.get("CLICKHOUSE_FRONT_PASSWORD", ""))
        asyncio.run(serve(front, arguments.host, arguments.port))
    finally:
        engine.close()


if __name__ == "__main__":
    main()
