"""The stack's secrets: random, made at the first start, kept in `$KINOLOG_HOME/credentials.json` (0600)."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from deploy.local.layout import Home

# Every secret the local stack needs and how it is made. A name added later is added to an existing file.
MAKERS: dict[str, Callable[[], str]] = {
    "admin_api_key": lambda: "kino_" + secrets.token_urlsafe(32),
    "session_secret": lambda: secrets.token_urlsafe(48),
    "s3_access_key": lambda: "KINO" + secrets.token_hex(8).upper(),
    "s3_secret_key": lambda: secrets.token_urlsafe(32),
    "clickhouse_password": lambda: secrets.token_urlsafe(24),
    "vault_password": lambda: secrets.token_urlsafe(32),
}


class CredentialsUnreadable(RuntimeError):
    """The file exists and is not what we wrote."""


def load_credentials(home: Home) -> dict[str, str]:
    """Read the secrets, making those that are missing. Raises CredentialsUnreadable on a damaged file."""
    path = home.credentials_file
    known: dict[str, str] = {}
    if path.exists():
        try:
            known = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise CredentialsUnreadable(
                f"{path} cannot be read ({error}): restore it, or delete it to get new credentials "
                "(stored objects stay, sessions and API keys end)."
            ) from error
    missing = [name for name in MAKERS if name not in known]
    if missing:
        known |= {name: MAKERS[name]() for name in missing}
        _write_private(path, json.dumps(known, indent=2) + "\n")
    return known


def sha256_hex(secret: str) -> str:
    """What a server keeps of an API key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _write_private(path: Path, text: str) -> None:
    """Replace `path` in one step; at no moment is it readable by others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
