"""What the commands that look at the log share."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import click
import orjson
from rich.console import Console

from deploy.local import state as states
from deploy.local.layout import Home, default_home
from deploy.log_reader import LogError
from deploy.topics import TopicsError
from schemas.errors import ContractError
from streams.core.settings import Settings, SettingsError, load_settings

_FILE_WIDTH: Final = 220
_CONNECT_S: Final = 1.0


@contextlib.contextmanager
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


def broker_settings() -> Settings:
    """The settings of a command that reads Kafka; call within `errors_as_sentences`.

    Where nobody named a broker, no stack runs and nothing listens at the default address, that is what the
    error says: an address that nobody chose would only mislead.
    """
    known = load_settings()
    chosen = "kafka_bootstrap_servers" in known.model_fields_set
    home = Home(default_home())
    if not chosen and states.running(home.state_file) is None and not _listens(known.kafka_bootstrap_servers):
        raise click.ClickException(
            f"No stack runs here ({home.root}): start one with `make up`. To read another broker, set "
            "KAFKA_BOOTSTRAP_SERVERS."
        )
    return known


def _listens(servers: str) -> bool:
    """Whether any of `host:port,host:port` takes a connection."""
    for server in servers.split(","):
        host, _, port = server.rpartition(":")
        with (
            contextlib.suppress(OSError, ValueError),
            socket.create_connection((host, int(port)), _CONNECT_S),
        ):
            return True
    return False


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
