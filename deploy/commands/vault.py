"""`kinolog vault`: back up, restore, rotate the keys of, and look at the vault."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import click

from deploy.commands._common import broker_settings, clock, errors_as_sentences, print_json, settings
from deploy.vault_backup import BackupError, Lock, Passphrase, VaultKeys, read_head, write_backup
from deploy.vault_restoring import erased_subjects, restore_backup
from schemas.catalog import load_topology
from streams.core.kms import KmsError, epoch_ms
from streams.core.kms_choice import open_kms
from streams.core.settings import Settings
from streams.core.vault import Vault, VaultError, open_vault
from streams.core.vault_care import all_entries, holding, rewrap, shortcomings

_DAY_MS: Final = 86_400_000
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_passphrase_file = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The passphrase is this file's content. Without it you are asked.",
)
_kms = click.option(
    "--kms",
    "with_kms",
    is_flag=True,
    help="Encrypt under the vault's own keys instead: to read it takes them.",
)


@click.group("vault")
def command() -> None:
    """What must be forgettable: password hashes, keys of people's data, signing keys."""


@command.command("status")
@_json
def status(as_json: bool) -> None:
    """Count what the vault holds, and say what is wrong with it. Ends with 1 if something is."""

    async def look(known: Settings) -> dict[str, Any]:
        async with _vault(known) as vault:
            await vault.ready()
            found, wrong = await holding(vault), await shortcomings(vault)
            active = vault.kms.active_key_id
            old = sum(count for key, count in found.by_key.items() if key != active)
            if old:
                wrong.append(f"{old} entries are wrapped under older keys: run `kinolog vault rotate` again.")
            return {
                "vault": vault.where,
                "entries": found.by_kind,
                "keys_in": vault.kms.where,
                "active_key": active,
                "entries_by_key": found.by_key,
                "wrong": wrong,
            }

    told = _run(look)
    if as_json:
        print_json(told)
    else:
        click.echo(f"vault      {told['vault']}")
        click.echo(f"keys       {told['keys_in']}, active: {told['active_key']}")
        click.echo(
            "entries    " + (", ".join(f"{kind} {n}" for kind, n in told["entries"].items()) or "none")
        )
        for sentence in told["wrong"]:
            click.echo(f"wrong      {sentence}")
    raise SystemExit(1 if told["wrong"] else 0)


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@_passphrase_file
@_kms
@_json
def backup(file: Path, passphrase_file: Path | None, with_kms: bool, as_json: bool) -> None:
    """Write everything in the vault to FILE, encrypted.

    With a passphrase the backup needs nothing else of this machine, so keep the passphrase elsewhere.
    """

    async def save(known: Settings) -> dict[str, Any]:
        if os.path.lexists(file):  # noqa: ASYNC240 - nothing else runs here
            raise BackupError(f"{file} exists: name another file, or remove it first.")
        lock = _lock(known, passphrase_file, with_kms, confirm=True)
        async with _vault(known) as vault:
            await vault.ready()
            made_at_ms = epoch_ms()
            count = await write_backup(file, lock, all_entries(vault), made_at_ms)
        return {"file": str(file), "entries": count, "made_at_ms": made_at_ms}

    told = _run(save)
    if as_json:
        print_json(told)
    else:
        days = settings().vault_backup_max_age_days
        click.echo(f"{told['entries']} entries in {file}; can be restored for {days} days.")


@command.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_passphrase_file
@click.option("--replace", is_flag=True, help="Remove what the vault holds first.")
@click.option("--accept-older", is_flag=True, help="Whatever the backup's age.")
@_json
def restore(
    file: Path, passphrase_file: Path | None, replace: bool, accept_older: bool, as_json: bool
) -> None:
    """Fill an empty vault from the backup FILE. Interrupted, the same command goes on.

    People whose erasure is on the log stay erased: it is read first. A backup older than
    VAULT_BACKUP_MAX_AGE_DAYS is refused. Restart the services afterwards.
    """
    with errors_as_sentences():
        erased = erased_subjects(broker_settings(), load_topology())

    async def fill(known: Settings) -> dict[str, Any]:
        head = read_head(file)
        lock = _lock(known, passphrase_file, head.by == VaultKeys.kind, confirm=False)
        now_ms = epoch_ms()
        oldest_ms = 0 if accept_older else now_ms - known.vault_backup_max_age_days * _DAY_MS
        async with _vault(known) as vault:
            count = await restore_backup(
                vault, file, lock, erased, oldest_ms=oldest_ms, now_ms=now_ms, replace=replace
            )
        return {"entries": count, "made_at_ms": head.made_at_ms}

    told = _run(fill)
    if as_json:
        print_json(told)
    else:
        moment = clock(told["made_at_ms"])
        click.echo(f"{told['entries']} entries as they were at {moment}: restart the services.")


@command.command("rotate")
@_json
def rotate(as_json: bool) -> None:
    """Make a new key, wrap every entry under it, drop keys that nothing needs any longer.

    Those are keys retired longer than VAULT_BACKUP_MAX_AGE_DAYS ago. Services go on meanwhile. Interrupted,
    run it again.
    """

    async def turn(known: Settings) -> dict[str, Any]:
        async with _vault(known) as vault:
            await vault.ready()
            made = vault.kms.rotate()
            count = await rewrap(vault)
            dropped = vault.kms.drop_retired(epoch_ms() - known.vault_backup_max_age_days * _DAY_MS)
            await vault.rewrite_file()
            where = vault.kms.where
        return {"active_key": made, "entries": count, "dropped_keys": dropped, "keys_in": where}

    told = _run(turn)
    if as_json:
        print_json(told)
    else:
        gone = f"; dropped {', '.join(told['dropped_keys'])}" if told["dropped_keys"] else ""
        click.echo(f"{told['entries']} entries are wrapped under the new key {told['active_key']}{gone}.")
        click.echo(f"Keep a copy of {told['keys_in']} elsewhere: nothing else opens the vault.")


def _run(work: Callable[[Settings], Coroutine[Any, Any, dict[str, Any]]]) -> dict[str, Any]:
    with errors_as_sentences():
        try:
            return asyncio.run(work(settings()))
        except (BackupError, KmsError, VaultError) as error:
            raise click.ClickException(str(error)) from None


@contextlib.asynccontextmanager
async def _vault(known: Settings) -> AsyncIterator[Vault]:
    vault = open_vault(known)
    try:
        yield vault
    finally:
        await vault.aclose()


def _lock(known: Settings, passphrase_file: Path | None, with_kms: bool, *, confirm: bool) -> Lock:
    if with_kms:
        return VaultKeys(open_kms(known))
    if passphrase_file is not None:
        return Passphrase(passphrase_file.read_text().strip())
    if not sys.stdin.isatty():
        raise BackupError("Nobody to ask for the passphrase here: name a file with --passphrase-file.")
    return Passphrase(click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm))
