"""The backup file: whole or refused, whatever is done to it."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy import vault_backup
from deploy.vault_backup import (
    BackupError,
    Lock,
    Passphrase,
    VaultKeys,
    read_entries,
    read_head,
    write_backup,
)
from streams.core.kms import LocalFileKms
from streams.core.vault_care import Entry

ENTRIES = [
    Entry("password", "ada", b"\x00\xffhash", "ada", None),
    Entry("login_session", "a:b", b"", None, 1_900_000_000_000),
    *(Entry("api_key", f"key-{number}", b"%d" % number, "eve", None) for number in range(3)),
]


async def some(entries: list[Entry]) -> AsyncIterator[Entry]:
    for entry in entries:
        yield entry


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    return VaultKeys(LocalFileKms(tmp_path / "kms.json"))


@pytest.fixture
async def path(tmp_path: Path, lock: Lock, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup of five frames."""
    monkeypatch.setattr(vault_backup, "_FRAME_ENTRIES", 2)
    assert await write_backup(tmp_path / "backup", lock, some(ENTRIES), 1_700_000_000_123) == len(ENTRIES)
    return tmp_path / "backup"


def test_what_was_written_comes_back(path: Path, lock: Lock) -> None:
    assert list(read_entries(path, lock)) == ENTRIES
    assert read_head(path).made_at_ms == 1_700_000_000_123


def test_the_file_is_private_and_leaves_nothing_beside_it(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {found.name for found in path.parent.iterdir()} == {"backup", "kms.json"}


def test_nothing_of_it_is_readable(path: Path) -> None:
    raw = path.read_bytes()
    # Long words alone: three letters come about by chance, in a key's id for one.
    assert not any(word in raw for word in (b"login_session", b"password", b"api_key"))


async def test_with_a_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_backup, "_SCRYPT", {"n": 2, "r": 8, "p": 1})
    path = tmp_path / "backup"
    await write_backup(path, Passphrase("correct horse battery"), some(ENTRIES), 0)
    assert list(read_entries(path, Passphrase("correct horse battery"))) == ENTRIES
    with pytest.raises(BackupError, match="passphrase or key is not that of"):
        list(read_entries(path, Passphrase("correct horse batters")))


async def test_an_empty_vault_has_a_backup(tmp_path: Path, lock: Lock) -> None:
    assert await write_backup(tmp_path / "backup", lock, some([]), 0) == 0
    assert list(read_entries(tmp_path / "backup", lock)) == []


def test_every_changed_byte_is_found(path: Path, lock: Lock) -> None:
    raw = path.read_bytes()
    for position in range(len(raw)):
        path.write_bytes(raw[:position] + bytes([raw[position] ^ 0x11]) + raw[position + 1 :])
        with pytest.raises(BackupError):
            list(read_entries(path, lock))


def test_every_cut_is_found(path: Path, lock: Lock) -> None:
    raw = path.read_bytes()
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(BackupError):
            list(read_entries(path, lock))
    path.write_bytes(raw[:-1])
    with pytest.raises(BackupError, match="is cut short"):
        list(read_entries(path, lock))


def test_frames_repeated_left_out_or_added_are_found(path: Path, lock: Lock) -> None:
    raw = path.read_bytes()
    at = raw.index(b"\n") + 1
    head, frames = raw[:at], []
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "big")
        frames.append(raw[at:end])
        at = end
    assert len(frames) == 5
    for spoiled in (
        [*frames[:2], *frames[1:]],
        [*frames[:2], *frames[3:]],
        [frames[0], frames[2], frames[1], *frames[3:]],
        [*frames, frames[-1]],
        frames[:-1],
    ):
        path.write_bytes(head + b"".join(spoiled))
        with pytest.raises(BackupError):
            list(read_entries(path, lock))


def test_the_age_cannot_be_changed(path: Path, lock: Lock) -> None:
    path.write_bytes(path.read_bytes().replace(b"1700000000123", b"1900000000123", 1))
    with pytest.raises(BackupError, match="its beginning was changed"):
        list(read_entries(path, lock))


def test_without_its_key_file(path: Path, tmp_path: Path) -> None:
    other = LocalFileKms(tmp_path / "other.json")
    other.wrap(b"", b"")
    with pytest.raises(BackupError, match=r"key cannot be had.*does not hold: put back the file that does"):
        list(read_entries(path, VaultKeys(other)))


def test_the_wrong_way_is_told(path: Path) -> None:
    with pytest.raises(BackupError, match="was encrypted under the vault's own keys"):
        list(read_entries(path, Passphrase("correct horse battery")))


@pytest.mark.parametrize("text", [b"", b"{}\n", b"PK\x03\x04", b"x" * 10_000])
def test_another_file_is_no_backup(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "other").write_bytes(text)
    with pytest.raises(BackupError, match="is no backup of a vault"):
        read_head(tmp_path / "other")


async def test_a_file_that_is_there_stays(path: Path, lock: Lock) -> None:
    with pytest.raises(BackupError, match="exists: name another file"):
        await write_backup(path, lock, some(ENTRIES[:1]), 0)
    assert list(read_entries(path, lock)) == ENTRIES


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path, lock: Lock) -> None:
    with pytest.raises(BackupError, match="cannot be written"):
        await write_backup(tmp_path / "none" / "backup", lock, some(ENTRIES), 0)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(BackupError, match="11 characters: 12 or more"):
        Passphrase("x" * 11)
