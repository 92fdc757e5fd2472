"""The `kinolog` command. Each subcommand is a file of `deploy/commands/`, imported only when it is used."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from pathlib import Path

import click

from deploy.local import state as states
from deploy.local.layout import Home, default_home

COMMANDS = Path(__file__).resolve().parent / "commands"


class LazyGroup(click.Group):
    """A click group whose subcommands are the modules of `deploy/commands/` that define `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names from the file names: listing imports nothing."""
        return sorted(path.stem for path in COMMANDS.glob("*.py") if not path.stem.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; an unknown name is click's own error."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found = importlib.import_module(f"deploy.commands.{cmd_name}").command
        assert isinstance(found, click.Command), (
            f"deploy/commands/{cmd_name}.py must define a click `command`"
        )
        return found


def use_local_stack() -> None:
    """Point the settings at the stack that runs in `$KINOLOG_HOME`, where the environment says nothing else.

    So `kinolog events` in another terminal finds it, on whatever ports; without such a stack (as in
    production) this does nothing.
    """
    home = Home(default_home())
    if states.running(home.state_file) is None:
        return
    with contextlib.suppress(OSError):
        for line in home.environment_file.read_text().splitlines():
            name, _, value = line.partition("=")
            if not line.startswith("#"):
                os.environ.setdefault(name, value)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kinolog", prog_name="kinolog")
def main() -> None:
    """Kinolog: a self-hosted video platform in which the log is the truth.

    State lives under $KINOLOG_HOME (default: .kinolog in the checkout).
    """
    use_local_stack()


if __name__ == "__main__":
    sys.exit(main())
