"""Where the local stack keeps things: one folder of state per stack, one folder of tools per environment."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = CHECKOUT / "deploy" / "locks"


def tools_dir() -> Path:
    """Folder of what set-up downloads beside the Python packages (jars, the sample clip).

    It belongs to the environment, not to a stack's state: deleting `$KINOLOG_HOME` never costs a download,
    and test stacks share it.
    """
    return Path(os.environ.get("KINOLOG_TOOLS") or Path(sys.prefix) / "share" / "kinolog")


def default_home() -> Path:
    """`$KINOLOG_HOME`, by default `.kinolog/` in the checkout."""
    return Path(os.environ.get("KINOLOG_HOME") or CHECKOUT / ".kinolog").resolve()


@dataclass(frozen=True)
class Home:
    """One stack's state. Everything below `root` may be deleted when the stack is down."""

    root: Path

    @property
    def logs(self) -> Path:
        """Log files, `<process>.log` each."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What describes the running stack: state file, lock, generated server configurations."""
        return self.root / "run"

    @property
    def state_file(self) -> Path:
        """Written atomically by the supervisor on every change; see `state.py`."""
        return self.run / "state.json"

    @property
    def environment_file(self) -> Path:
        """Settings of this stack for commands run elsewhere (`deploy.cli` reads it); mode 0600."""
        return self.run / "stack.env"

    @property
    def topology_file(self) -> Path:
        """The map with this stack's ports; there only when they differ from the map's."""
        return self.run / "topology.yaml"

    @property
    def credentials_file(self) -> Path:
        """Secrets made at the first start; mode 0600."""
        return self.root / "credentials.json"

    def data(self, server: str) -> Path:
        """Data folder of one server."""
        return self.root / "data" / server

    def create(self) -> None:
        """Make the folders, readable by their owner only."""
        for folder in (self.root, self.logs, self.run, self.root / "data"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
