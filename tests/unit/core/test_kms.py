"""Keys in a file: the contract of all, and what only a file can be: private, damaged, gone."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streams.core.kms import KmsUnusable, LocalFileKms, epoch_ms
from tests.contract.kms import KmsContract, OpenKms


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "kms.json"


class TestContract(KmsContract):
    @pytest.fixture
    def open_kms(self, path: Path) -> OpenKms:
        return lambda now_ms=epoch_ms: LocalFileKms(path, now_ms=now_ms)


def test_the_file_is_private_and_leaves_nothing_beside_it(path: Path) -> None:
    LocalFileKms(path).wrap(b"", b"")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["kms.json"]


def test_rotation_keeps_older_values_readable_and_reaches_other_processes(path: Path) -> None:
    here, elsewhere = LocalFileKms(path), LocalFileKms(path)
    old = elsewhere.wrap(b"secret", b"")
    assert here.unwrap(old, b"") == b"secret"
    made = here.rotate()
    assert elsewhere.active_key_id == made
    assert elsewhere.key_id_of(elsewhere.wrap(b"", b"")) == made
    assert elsewhere.unwrap(old, b"") == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_processes_that_start_at_once_agree_on_one_key(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        wrapped = list(pool.map(lambda _: LocalFileKms(path).wrap(b"secret", b""), range(8)))
    assert [LocalFileKms(path).unwrap(each, b"") for each in wrapped] == [b"secret"] * 8
    assert len(LocalFileKms(path).key_ids) == 1


def test_rotations_at_once_all_stay(path: Path) -> None:
    LocalFileKms(path).wrap(b"", b"")
    first = LocalFileKms(path).active_key_id
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: LocalFileKms(path).rotate(), range(8)))
    assert LocalFileKms(path).key_ids == sorted([first, *made])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    kms = LocalFileKms(path)
    kms.wrap(b"", b"")
    path.chmod(mode)
    sentence = rf"can be read by others \(mode {mode:04o}\).* `chmod 600 .*kms\.json`"
    with pytest.raises(KmsUnusable, match=sentence):
        LocalFileKms(path)
    with pytest.raises(KmsUnusable, match=sentence):  # of one that is open already, too
        kms.wrap(b"", b"")


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"keys": {}}', '{"active": "a", "keys": {"a": {"key": "c2hvcnQ="}}}']
)
def test_a_damaged_file_is_named(path: Path, text: str) -> None:
    LocalFileKms(path).wrap(b"", b"")
    path.write_text(text)
    with pytest.raises(KmsUnusable, match=r"kms\.json cannot be read as a key file .* restore it"):
        LocalFileKms(path)


def test_a_file_that_went_away_is_not_made_anew(path: Path) -> None:
    kms = LocalFileKms(path)
    wrapped = kms.wrap(b"", b"")
    path.unlink()
    for act in (lambda: kms.wrap(b"", b""), kms.rotate, lambda: LocalFileKms(path).unwrap(wrapped, b"")):
        with pytest.raises(KmsUnusable, match=r"kms\.json is gone: restore it from its copy"):
            act()
    assert not path.exists()


def test_the_format_of_the_file(path: Path) -> None:
    kms = LocalFileKms(path)
    kms.wrap(b"", b"")
    first, second = kms.active_key_id, kms.rotate()
    raw = json.loads(path.read_text())
    assert (raw["version"], raw["active"], set(raw["keys"])) == (1, second, {first, second})
    assert set(raw["keys"][first]) == {"key", "retired_at_ms"}
    assert set(raw["keys"][second]) == {"key"}
