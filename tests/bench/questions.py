"""How soon the analytics API answers over a month of 100 million beats, each question asked the first time.

The gateway is the real one (`kinolog gateway analytics`) on a stack of its own, with the embedded ClickHouse.
Every question has a stretch of time of its own, so no answer is kept from another one; they come one after
the other, as from a dashboard that is opened.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from deploy.local import launcher
from deploy.local.layout import CHECKOUT
from tests.bench.audience import BEGIN_MS, DAY_MS, DAYS, FILMS, fill
from tests.bench.harness import OURS, Bench, Goal

NAMES: Final = ("analytics.query_p95_ms", "analytics.retention_p95_ms")
QUESTIONS: Final = 240
PATIENCE_S: Final = 60.0
_OVERVIEW: Final = "views,engaged_views,viewers,playing_ms,stalled_share,startup_median_ms,startup_p95_ms"
_QUALITY: Final = "startup_median_ms,startup_p95_ms,stalled_share,bitrate_kbps,failure_rate,exit_rate"

# What a dashboard asks: path and query; `{film}` is any film, `from` and `to` are added.
DASHBOARD: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("/v1/metrics", {"metrics": _OVERVIEW}),
    ("/v1/metrics", {"metrics": "views,viewers,playing_ms", "group_by": "time", "timezone": "Europe/Berlin"}),
    ("/v1/metrics", {"metrics": "views,playing_ms", "group_by": "time", "interval": "hour"}),
    ("/v1/metrics", {"metrics": "views,playing_ms", "group_by": "asset", "limit": "20"}),
    ("/v1/metrics", {"metrics": "views,viewers", "group_by": "country"}),
    ("/v1/metrics", {"metrics": "views", "group_by": "device"}),
    ("/v1/metrics", {"metrics": "views", "group_by": "browser", "country": "DE,FR"}),
    ("/v1/metrics", {"metrics": _QUALITY, "group_by": "time", "timezone": "America/New_York"}),
    ("/v1/metrics", {"metrics": _OVERVIEW, "group_by": "time", "asset": "{film}", "compare": "previous"}),
    ("/v1/metrics", {"metrics": "views,viewers", "group_by": "country", "asset": "{film}"}),
    ("/v1/metrics", {"metrics": _OVERVIEW, "group_by": "asset", "owner": "owner-7"}),
    ("/v1/startup", {}),
    ("/v1/startup", {"asset": "{film}"}),
    ("/v1/concurrency", {"interval": "hour"}),
    ("/v1/funnels/playback", {}),
    ("/v1/views", {"which": "failed"}),
)


@contextmanager
def questions(say: Callable[[str], None]) -> Iterator[list[Bench]]:
    """The benches, with their stack running and filled.

    `analytics.query_p95_ms`: 95th percentile of a dashboard's questions over 30 days, a day or a week;
    `analytics.retention_p95_ms`: of retention curves over 30 days, of films as often as they are watched.
    Both over HTTP, milliseconds.
    """
    with (
        tempfile.TemporaryDirectory(prefix="kinolog-bench-") as home,
        launcher.local_stack(Path(home)) as stack,
    ):
        began_s = time.monotonic()
        say(f"  {fill(stack.env['CLICKHOUSE_URL'])}, made in {time.monotonic() - began_s:.0f} s")
        with _gateway(stack) as ask:
            yield [
                Bench(NAMES[0], "ms", True, {OURS: lambda: p95_ms(ask, _dashboard)}, [Goal("", 100.0)]),
                Bench(NAMES[1], "ms", True, {OURS: lambda: p95_ms(ask, _retention)}, [Goal("", 30.0)]),
            ]


Ask = Callable[[str, dict[str, Any]], Any]
_turn = iter(range(1, 2**31))


def p95_ms(ask: Ask, question: Callable[[random.Random, int], tuple[str, dict[str, Any]]]) -> float:
    """Of QUESTIONS questions."""
    took = []
    for number in range(QUESTIONS):
        turn = next(_turn)
        path, query = question(random.Random(turn), number)  # no secret
        # A second further each time: nobody has asked exactly this before.
        query["to"] = query["to"] + turn * 1000
        began_s = time.perf_counter()
        ask(path, query)
        took.append((time.perf_counter() - began_s) * 1000)
    return sorted(took)[int(QUESTIONS * 0.95)]


def _dashboard(dice: random.Random, number: int) -> tuple[str, dict[str, Any]]:
    path, query = DASHBOARD[number % len(DASHBOARD)]
    days = dice.choice((1, 7, DAYS, DAYS))
    end_ms = BEGIN_MS + DAYS * DAY_MS
    film = f"film-{int(FILMS * dice.random() ** 2)}"
    asked = {name: value.replace("{film}", film) for name, value in query.items()}
    return path, {**asked, "from": end_ms - days * DAY_MS, "to": end_ms}


def _retention(dice: random.Random, _: int) -> tuple[str, dict[str, Any]]:
    film = f"film-{int(FILMS * dice.random() ** 2)}"
    return f"/v1/videos/{film}/retention", {"from": BEGIN_MS, "to": BEGIN_MS + DAYS * DAY_MS}


@contextmanager
def _gateway(stack: launcher.Stack) -> Iterator[Ask]:
    server = subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", "gateway", "analytics"], cwd=CHECKOUT,
        env={**os.environ, **stack.env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    key = stack.credentials["admin_api_key"]

    def ask(path: str, query: dict[str, Any]) -> Any:
        url = f"http://127.0.0.1:{stack.ports['analytics']}{path}?{urlencode(query)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310  # our own gateway
            return json.loads(answer.read())

    try:
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                ask("/v1/metrics", {})
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline_s:
                    raise
                time.sleep(0.1)
        yield ask
    finally:
        server.terminate()
        server.wait(30)
