"""docs/guides/analytics.md is true: each question is answered, each statement runs, each metric is there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from gateways.analytics.measures import MEASURES, VIEWER_ERROR
from schemas.analytics.views import VIEWS
from tests.integration.analytics.questions.conftest import Asked
from tests.integration.analytics.questions.test_sessions import report
from tests.support.views import BEGIN_MS, DAY_MS, a_view

GUIDE = (Path(__file__).resolve().parents[4] / "docs" / "guides" / "analytics.md").read_text()


async def test_what_the_guide_says(asked: Asked) -> None:
    view = a_view(1, started_at_ms=BEGIN_MS + 9 * DAY_MS)
    await asked.insert(VIEWS, [view])
    await asked.insert("analytics_beats", [report(1, view["view_id"], {"sn": 3})])
    text = GUIDE.replace("FILM", view["asset_id"]).replace("VIEW", view["view_id"])
    questions = re.findall(r"```http\nGET (\S+)\n```", text)
    assert len(questions) >= 10
    for question in questions:
        url = urlsplit(question)
        answer = await asked.get(url.path, **dict(parse_qsl(url.query)))
        assert answer
    statements = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    answers = [(await asked.database.query(sql)).result_rows for sql in statements]
    assert answers[1] == [(0, 1), (60, 0)]
    assert answers[2] == [(view["view_id"], 3, "playing", None)]
    assert "0.8 %" in GUIDE
    assert round(VIEWER_ERROR * 100, 1) == 0.8
    for name in re.findall(r"`((?:finished|completed|reached|stalled)_\w+)`", GUIDE):
        assert name in MEASURES
