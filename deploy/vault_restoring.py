"""Restoring a vault from a backup, without bringing back people who were erased."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.log_reader import LogReader
from deploy.vault_backup import BackupError, Lock, read_entries, read_head
from schemas.catalog import Topology
from streams.core.settings import Settings
from streams.core.vault import Vault
from streams.core.vault_care import restore

_ACCOUNTS: Final = "identity.account.events"
# From the first of them on the person is to be forgotten, whatever happens.
_ERASURES: Final = frozenset({b"kinolog.identity.ErasureStarted", b"kinolog.identity.SubjectErased"})
_DAY_MS: Final = 86_400_000


async def restore_backup(
    vault: Vault,
    path: Path,
    lock: Lock,
    erased: set[str],
    *,
    oldest_ms: int,
    now_ms: int,
    replace: bool,
) -> int:
    """Prove the whole file, then fill the vault with all but the `erased` subjects' entries.

    `oldest_ms` is the earliest moment that the backup may be of; 0: any. Nothing is changed before the file
    is proved. Returns how many entries. Raises BackupError and the vault's errors.
    """
    head = read_head(path)
    entries = list(read_entries(path, lock))
    if head.made_at_ms < oldest_ms:
        age_days, most_days = ((now_ms - then_ms) / _DAY_MS for then_ms in (head.made_at_ms, oldest_ms))
        raise BackupError(
            f"{path} is {age_days:.1f} days old, {most_days:.0f} are allowed (VAULT_BACKUP_MAX_AGE_DAYS): "
            "what was changed or revoked since would be as it was. Take a newer one, or say --accept-older."
        )
    if head.made_at_ms > now_ms + _DAY_MS:
        raise BackupError(f"{path} says that it was made in the future: set this machine's clock right.")
    left = [entry for entry in entries if entry.subject not in erased]
    return await restore(vault, head.id, left, replace=replace)


def erased_subjects(settings: Settings, topology: Topology) -> set[str]:
    """Accounts whose erasure is on the log. Blocks; raises LogError."""
    if _ACCOUNTS not in topology.topics:
        return set()
    with LogReader(settings) as reader:
        places = [(_ACCOUNTS, partition) for partition in range(reader.partitions(_ACCOUNTS))]
        return {
            message.key().decode()
            for message in reader.messages(reader.spans(places))
            if dict(message.headers() or ()).get("ce_type") in _ERASURES
        }
