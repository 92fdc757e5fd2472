"""What a licence costs: from asking for a playback token to the keys, with the decision on the log between.

The whole platform runs as one gateway process, one of each worker and the servers; players are another
process. Each is a guest with a device of its own, so the accounts spread over the partitions.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil

from deploy.local import launcher
from deploy.local import state as states
from deploy.local.layout import CHECKOUT, Home
from gateways.drm.requesting import HEADER
from tests.bench.harness import OURS, Bench, Goal
from tests.integration.chat.town import town_of
from tests.support.cinema import protected_film
from tests.support.clearkey import challenge_of

P50, P99, PER_S = NAMES = ("drm.licence_p50_ms", "drm.licence_p99_ms", "drm.licence_per_s")
RATE_PER_S: Final = 100
SECONDS: Final = 20
AT_ONCE: Final = 64
MANY: Final = 6000
SCREENS, DEVICES = 3, 40
PATIENCE_S: Final = 120.0
# All players are at one address.
SETTINGS: Final = {"RATE_LIMITS": json.dumps({"write": {"ip": "off"}})}


@dataclass(frozen=True, slots=True)
class Cinema:
    """A stack with a protected film."""

    url: str
    asset_id: str
    kids: list[str]
    processes: dict[str, list[psutil.Process]]

    def play(self, **how: Any) -> dict[str, Any]:
        """What the players' process measures."""
        asked = {"url": self.url, "asset_id": self.asset_id, "kids": self.kids, **how}
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.licence_client"], cwd=CHECKOUT, text=True, check=True,
            input=json.dumps(asked), stdout=subprocess.PIPE, timeout=PATIENCE_S,
        )  # fmt: skip
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far by process, children included."""
        return {
            name: sum(sum(process.cpu_times()[:2]) for process in processes)
            for name, processes in self.processes.items()
        }


@contextmanager
def licences(say: Callable[[str], None]) -> Iterator[list[Bench]]:
    """The benches, with their platform running.

    `drm.licence_p50_ms`, `drm.licence_p99_ms`: of RATE_PER_S players a second; `drm.licence_per_s`: licences
    a second of AT_ONCE players at a time, and before it the count of streams is tried under concurrency. Each
    says what CPU it took.
    """
    for name, value in SETTINGS.items():
        os.environ[name] = value
    try:
        with (
            tempfile.TemporaryDirectory(prefix="kinolog-bench-") as folder,
            launcher.local_stack(Path(folder), platform=True) as stack,
        ):
            cinema = asyncio.run(_cinema(stack, Path(folder)))

            def cpu(before: dict[str, float], count: int) -> None:
                after = cinema.cpu_s()
                spent = {name: (after[name] - before[name]) / count * 1000 for name in after}
                told = ", ".join(f"{name} {ms:.2f}" for name, ms in spent.items() if ms >= 0.005)
                say(f"  CPU of a licence, ms: {sum(spent.values()):.2f} ({told})")

            def late(percent: int) -> float:
                before, count = cinema.cpu_s(), RATE_PER_S * SECONDS
                said = cinema.play(count=count, per_s=RATE_PER_S)
                cpu(before, count)
                took_ms: list[float] = said["took_ms"]
                return statistics.quantiles(took_ms, n=100)[percent - 1]

            def per_s() -> float:
                before = cinema.cpu_s()
                said = cinema.play(count=MANY, at_once=AT_ONCE)
                cpu(before, MANY)
                return MANY / float(said["wall_s"])

            asyncio.run(_exact(stack, cinema))
            say(f"  {SCREENS} of {DEVICES} devices that asked at once play, as the policy says")
            yield [
                Bench(P50, "ms", True, {OURS: lambda: late(50)}, [Goal("", 20.0)]),
                Bench(P99, "ms", True, {OURS: lambda: late(99)}, [Goal("", 80.0)]),
                Bench(PER_S, "licences/s", False, {OURS: per_s}, [Goal("", 400.0)]),
            ]
    finally:
        for name in SETTINGS:
            del os.environ[name]


async def _cinema(stack: launcher.Stack, folder: Path) -> Cinema:
    film = await protected_film(stack, folder)
    found = states.running(Home(folder).state_file)
    if found is None:
        raise RuntimeError("the stack of the bench has ended")
    processes = {}
    for each in found.processes:
        if each.pid is not None:  # the start's steps have ended
            process = psutil.Process(each.pid)
            processes[each.name] = [process, *process.children(recursive=True)]
    return Cinema(stack.url("drm"), film.asset_id, film.kids, processes)


async def _exact(stack: launcher.Stack, cinema: Cinema) -> None:
    """Of many devices of one account that ask at once as many play as may. Raises RuntimeError."""
    key = {"Authorization": f"Bearer {stack.credentials['admin_api_key']}"}
    async with town_of(stack) as town, aiohttp.ClientSession(cinema.url) as http:
        viewer = await town.person("viewer")

        async def ask(method: str, path: str, headers: dict[str, str], **more: Any) -> tuple[int, Any]:
            async with http.request(method, path, headers=headers, **more) as answer:
                return answer.status, await answer.json(content_type=None)

        async def play(device_id: str) -> str:
            wish = {"asset_id": cinema.asset_id, "device_id": device_id}
            _, token = await ask("POST", "/v1/tokens", viewer.bearer, json=wish)
            headers = {HEADER: token["token"], "Content-Type": "application/json"}
            challenge = challenge_of(cinema.kids)
            status, said = 503, {}
            while status == 503:  # not known in time: the same request is the same licence
                status, said = await ask("POST", "/v1/licences/clearkey", headers, data=challenge)
            return str(said.get("code", status))

        rules = {"replaces": 0, "rules": {"max_streams": SCREENS}}
        film = f"/v1/films/{cinema.asset_id}"
        said = [
            await ask("PUT", "/v1/policies/screens", key, json=rules),
            await ask("PATCH", film, key, json={"policy_id": "screens"}),
        ]
        answers = await asyncio.gather(*(play(f"device-{number}") for number in range(DEVICES)))
        said.append(await ask("PATCH", film, key, json={"policy_id": "default"}))
    refused = ["too_many_streams"] * (DEVICES - SCREENS)
    if [status for status, _ in said] != [200] * 3 or sorted(answers) != ["200"] * SCREENS + refused:
        raise RuntimeError(f"{SCREENS} of {DEVICES} devices should play: {said}, {sorted(answers)}")
