"""`kinolog upload` of several files: each says how it went as soon as it did, none stops the others."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deploy.client import ApiRefused

module = importlib.import_module("deploy.commands.upload")

sent: list[str] = []  # the visibility of each upload


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Three films; the service refuses the one named `second`."""
    sent.clear()
    monkeypatch.setenv("KINOLOG_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("KINOLOG_API_KEY", "key")
    monkeypatch.setenv("SESSION_SECRET", "s" * 40)

    async def upload(
        _api: object, _progress: object, path: Path, title: str, visibility: str
    ) -> dict[str, Any]:
        sent.append(visibility)
        if path.stem == "second":
            raise ApiRefused("The upload has no bytes: Send at least one byte.", 422)
        return {"id": f"id-of-{title}"}

    async def follow(_api: object, _progress: object, asset_id: str) -> dict[str, Any]:
        return {"id": asset_id, "state": "ready"}

    monkeypatch.setattr(module, "upload", upload)
    monkeypatch.setattr(module, "follow", follow)
    paths = [tmp_path / f"{name}.mp4" for name in ("first", "second", "third")]
    for path in paths:
        path.touch()
    return [str(path) for path in paths]


def test_a_refused_file_is_named_and_the_others_go_on(files: list[str]) -> None:
    done = CliRunner().invoke(module.command, files)
    assert done.exit_code == 1
    assert "Error: second.mp4: The upload has no bytes" in done.output
    for name in ("first", "third"):
        assert f"id-of-{name}  http://127.0.0.1:1/watch/id-of-{name}#code=" in done.output


def test_files_that_all_became_films_end_with_nought(files: list[str]) -> None:
    done = CliRunner().invoke(module.command, [files[0], files[2]])
    assert done.exit_code == 0


def test_films_are_private_unless_said_otherwise(files: list[str]) -> None:
    CliRunner().invoke(module.command, [files[0]])
    CliRunner().invoke(module.command, [files[0], "--visibility", "unlisted"])
    assert sent == ["private", "unlisted"]
    wrong = CliRunner().invoke(module.command, [files[0], "--visibility", "everybody"])
    assert wrong.exit_code == 2
    assert "public" in wrong.output
