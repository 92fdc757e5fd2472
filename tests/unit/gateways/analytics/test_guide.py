"""docs/guides/analytics.md: what it says is sent is taken, and answered as it says."""

from __future__ import annotations

import json
import re
from typing import Any

from deploy.generated import CHECKOUT
from gateways.analytics.beats import KINDS, STATES
from gateways.analytics.service import analytics
from gateways.core.app import create_app
from gateways.core.deps import CoreDeps
from tests.unit.gateways.analytics.stage import Log, intake_of, taken
from tests.unit.gateways.conftest import Serve

GUIDE = (CHECKOUT / "docs" / "guides" / "analytics.md").read_text(encoding="utf-8")


def example(kind: str) -> Any:
    [text] = re.findall(rf"```json {kind}\n(.*?)```", GUIDE, re.DOTALL)
    return json.loads(text)


async def test_the_example_is_taken_as_it_is(serve: Serve, core: CoreDeps) -> None:
    log = Log()
    client = await serve(create_app(analytics(intake_of(log)), core))
    assert await taken(await client.post("/v1/beats", json=example("beats"))) == example("answer")
    [(_, _, event)] = log.events
    assert not any(beat["clamped"] for beat in event["beats"])


def test_every_word_that_is_taken_is_there() -> None:
    for word in (*KINDS, *STATES):
        assert f"`{word}`" in GUIDE, word
