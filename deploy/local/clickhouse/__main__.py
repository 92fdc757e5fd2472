"""`python -m deploy.local.clickhouse --path DIR --port N`: serve until SIGTERM, then close the engine."""

from __future__ import annotations

import argparse
import os

from aiohttp import web

from deploy.local.clickhouse.engine import Engine
from deploy.local.clickhouse.front import Front

STOP_WITHIN_S = 2.0


def main() -> None:
    """Open the engine, serve, close. The password comes by environment: an argument shows in `ps`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    engine = Engine(arguments.path)
    try:
        app = Front(engine, os.environ.get("CLICKHOUSE_FRONT_PASSWORD", "")).app()
        web.run_app(app, host=arguments.host, port=arguments.port, print=None, shutdown_timeout=STOP_WITHIN_S)
    finally:
        engine.close()


if __name__ == "__main__":
    main()
