"""Uploads and transcodes as the commands show them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from deploy.client import Api, ApiRefused
from deploy.uploading import upload


async def test_an_empty_file_is_refused_before_the_service_hears_of_it(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    unreachable = Api("http://127.0.0.1:1", "key")
    with pytest.raises(ApiRefused, match="The file is empty"):
        await upload(unreachable, Console(file=io.StringIO()), tmp_path / "empty.mp4", "Empty")
