"""What the commands that look at the log share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import click
import orjson
from rich.console import Console

from deploy.log_reader import LogError
from deploy.topics import TopicsError
from schemas.errors import ContractError
from streams.core.settings import Settings, SettingsError, load_settings

_FILE_WIDTH: Final = 220


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """Expected errors end the command with their message and code 1, without a traceback."""
    try:
        yield
    except (ContractError, LogError, SettingsError, TopicsError) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def settings() -> Settings:
    """The process's settings; call within `errors_as_sentences`."""
    return load_settings()


def console() -> Console:
    """For people: the terminal's width; wide when the output goes to a file or another program."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_FILE_WIDTH)


def print_json(value: Any) -> None:
    """One line of JSON."""
    click.echo(orjson.dumps(value, default=repr, option=orjson.OPT_NON_STR_KEYS).decode())


def clock(at_ms: int) -> str:
    """Local date and time of day with milliseconds."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{at_ms % 1000:03d}"


def short(type_name: str) -> str:
    """`AssetCreated` of `kinolog.media.AssetCreated`."""
    return type_name.rsplit(".", 1)[-1]
