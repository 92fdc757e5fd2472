"""Uploads and transcodes as the commands show them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deploy.client import Api, ApiRefused
from deploy.uploading import follow, spoken, upload


class Encoding(Api):
    """A film that plays at a tenth of the way."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", "key")

    async def follow(self, asset_id: str) -> AsyncIterator[dict[str, Any]]:
        for state, percent in (("processing", 0), ("playable", 10), ("playable", 60), ("ready", 100)):
            yield {"id": asset_id, "state": state, "progress": {"percent": percent}}


async def test_an_empty_file_is_refused_before_the_service_hears_of_it(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    unreachable = Api("http://127.0.0.1:1", "key")
    with pytest.raises(ApiRefused, match="The file is empty"):
        await upload(unreachable, Console(file=io.StringIO()), tmp_path / "empty.mp4", "Empty")


@pytest.mark.parametrize("terminal", [False, True])
async def test_the_link_comes_with_the_first_seconds_and_the_bar_goes_on(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setenv("SESSION_SECRET", "s" * 40)
    out = Console(file=io.StringIO(), force_terminal=terminal, width=60, soft_wrap=True)
    asset = await follow(Encoding(), out, "film")
    said = out.file.getvalue()  # type: ignore[attr-defined]
    assert asset["state"] == "ready"
    assert said.count("plays now    http://127.0.0.1:1/watch/film#code=") == 1
    assert said.index("plays now") < said.index("60 %" if not terminal else "100%")
    assert said.rstrip().count("100") == 1 or terminal
    assert "0 s" in said


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (4320, "1 h 12 min")],
)
def test_times_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert spoken(seconds) == text
