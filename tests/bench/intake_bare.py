"""`python -m tests.bench.intake_bare PORT`: aiohttp, a JSON parser and a Kafka client, and nothing else."""

from __future__ import annotations

import sys
from typing import Any

import orjson
import uvloop
from aiohttp import web

from schemas.analytics.views import PLAYBACK
from streams.core.producer import EventProducer
from streams.core.settings import load_settings


async def main(port: int) -> web.Application:
    producer = EventProducer(load_settings(), "bench")
    app = web.Application()

    async def take(request: web.Request) -> web.Response:
        report: dict[str, Any] = orjson.loads(await request.read())
        await producer.send(PLAYBACK, report["sid"], orjson.dumps(report), [], report["beats"][-1]["ts_ms"])
        return web.json_response({"accepted": len(report["beats"])}, status=202, dumps=_dumps)

    async def close(_: web.Application) -> None:
        await producer.close()

    app.router.add_post("/v1/beats", take)
    app.on_cleanup.append(close)
    return app


def _dumps(document: Any) -> str:
    return orjson.dumps(document).decode()


if __name__ == "__main__":
    uvloop.install()
    web.run_app(main(int(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
