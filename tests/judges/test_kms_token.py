"""Keys in a token: the contract of all over SoftHSM, and a vault that stands on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass
from pydantic import SecretStr

from deploy.vault_backup import BackupError, Passphrase, VaultKeys, read_entries, write_backup
from deploy.vault_restoring import restore_backup
from streams.core.kms import KmsUnusable, WrongKey, epoch_ms
from streams.core.kms_choice import open_kms as chosen
from streams.core.kms_pkcs11 import Pkcs11Kms
from streams.core.settings import Settings
from streams.core.vault import API_KEY, Vault, VaultUnusable, open_vault
from streams.core.vault_care import all_entries, holding, rewrap
from tests.contract.kms import KmsContract, OpenKms
from tests.judges.install import program
from tests.support.vault import VaultServer

pytestmark = pytest.mark.judges

PIN = "4711-the-pin"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
NAMES = iter(range(1_000_000))


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SoftHSM's library, its tokens in a folder of ours. A process loads it once: one for all tests."""
    found = [Path(name) for name in MODULES if Path(name).exists()]
    assert found, "no SoftHSM; `python -m tests.judges.install` brings it on Debian"
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    config = home / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {home}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(config)
    yield found[0]
    del os.environ["SOFTHSM2_CONF"]


@pytest.fixture
def token(module: Path) -> str:
    """A new, empty token's label."""
    label = f"token-{next(NAMES)}"
    words = ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "the-other-pin"]
    subprocess.run([program("softhsm2-util"), *words], check=True, capture_output=True)
    pkcs11.lib(str(module)).reinitialize()  # it lists the tokens that there were when it was loaded
    return label


def session(module: Path, token: str) -> pkcs11.Session:
    """Beside the keeper, which has logged this process in."""
    return pkcs11.lib(str(module)).get_token(token_label=token).open(rw=True)


class TestContract(KmsContract):
    @pytest.fixture
    def open_kms(self, module: Path, token: str) -> OpenKms:
        return lambda now_ms=epoch_ms: Pkcs11Kms(module, token, PIN, now_ms=now_ms, look_again_s=0)


def test_nothing_of_a_key_leaves_the_token(module: Path, token: str) -> None:
    kms = Pkcs11Kms(module, token, PIN)
    kms.wrap(b"secret", b"")
    [key] = session(module, token).get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})
    told = [key[each] for each in (Attribute.SENSITIVE, Attribute.PRIVATE, Attribute.EXTRACTABLE)]
    assert told == [True, True, False]
    with pytest.raises(pkcs11.exceptions.AttributeSensitive):
        key[Attribute.VALUE]


def test_keys_of_others_in_the_token_are_left_alone(module: Path, token: str) -> None:
    kms = Pkcs11Kms(module, token, PIN)
    first = kms.rotate()
    theirs = session(module, token).generate_key(pkcs11.KeyType.AES, 256, label="theirs", id=b"1", store=True)
    second = kms.rotate()
    assert kms.drop_retired(before_ms=2**60) == [first]
    assert kms.key_ids == [second]
    assert theirs.label == "theirs"


def test_processes_and_threads_share_a_token(module: Path, token: str) -> None:
    kms = Pkcs11Kms(module, token, PIN)
    with ThreadPoolExecutor(8) as pool:
        wrapped = list(pool.map(lambda n: kms.wrap(str(n).encode(), b""), range(200)))
        opened = list(pool.map(lambda each: kms.unwrap(each, b""), wrapped))
    assert opened == [str(n).encode() for n in range(200)]
    code = (
        "import sys; from pathlib import Path; from streams.core.kms_pkcs11 import Pkcs11Kms\n"
        "kms = Pkcs11Kms(Path(sys.argv[1]), sys.argv[2], sys.argv[3])\n"
        "assert kms.unwrap(bytes.fromhex(sys.argv[4]), b'') == b'0'; kms.rotate()\n"
        "print(kms.wrap(b'from the other', b'').hex())\n"
    )
    words = [sys.executable, "-c", code, str(module), token, PIN, wrapped[0].hex()]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert kms.unwrap(bytes.fromhex(done.stdout), b"") == b"from the other"


def test_a_token_that_lost_its_keys_gets_no_new_ones(module: Path, token: str) -> None:
    kms = Pkcs11Kms(module, token, PIN, look_again_s=0)
    wrapped = kms.wrap(b"secret", b"")
    [key] = session(module, token).get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})
    key.destroy()
    with pytest.raises(KmsUnusable, match="has lost its keys: restore it by its own means"):
        kms.wrap(b"more", b"")
    with pytest.raises(WrongKey):
        kms.unwrap(wrapped, b"")
    assert not list(session(module, token).get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}))


def test_what_is_wrong_is_said_and_the_pin_is_not(module: Path, token: str, tmp_path: Path) -> None:
    for path, label, pin in (
        (module, token, "a wrong pin"),
        (module, "no such token", PIN),
        (tmp_path / "no.so", token, PIN),
    ):
        with pytest.raises(
            KmsUnusable, match="KMS_PKCS11_MODULE, KMS_PKCS11_TOKEN and KMS_PKCS11_PIN"
        ) as said:
            Pkcs11Kms(path, label, pin)
        assert pin not in str(said.value)


def test_settings_choose_it(module: Path, token: str) -> None:
    known = Settings(kms="pkcs11", kms_pkcs11_module=module, kms_pkcs11_token=token, kms_pkcs11_pin=PIN)
    assert chosen(known).where == f"token {token!r} of {module}"
    assert PIN not in repr(known)
    with pytest.raises(KmsUnusable, match="KMS_PKCS11_MODULE is empty: name the token's library"):
        chosen(Settings(kms="pkcs11"))


@pytest.fixture
def on_token(module: Path, token: str, vault_server: VaultServer) -> Settings:
    """Settings of a vault with its keys in the token."""
    chosen_keys = {"kms": "pkcs11", "kms_pkcs11_module": module, "kms_pkcs11_token": token}
    return vault_server.settings.model_copy(update={**chosen_keys, "kms_pkcs11_pin": SecretStr(PIN)})


async def test_a_vault_moves_from_the_file_into_a_token_by_a_backup(
    on_token: Settings, vault: Vault, tmp_path: Path
) -> None:
    await vault.put(API_KEY, "one", b"secret")
    file, lock = tmp_path / "backup", Passphrase("seven small yellow submarines")
    assert await write_backup(file, lock, all_entries(vault), 1_000) == 1
    moved = open_vault(on_token)
    try:
        with pytest.raises(VaultUnusable, match=r"key \w+, which the token .* does not hold"):
            await moved.get(API_KEY, "one")
        await vault.redis.flushall()
        done = await restore_backup(moved, file, lock, set(), oldest_ms=0, now_ms=1_000, replace=False)
        assert done == 1
        assert await moved.get(API_KEY, "one") == b"secret"
    finally:
        await vault.redis.flushall()
        await moved.aclose()


async def test_a_vault_on_a_token_rotates_and_takes_its_old_backups_with_it(
    on_token: Settings, tmp_path: Path
) -> None:
    vault = open_vault(on_token)
    await vault.redis.flushall()
    try:
        await vault.put(API_KEY, "one", b"secret")
        old = vault.kms.active_key_id
        lock, file = VaultKeys(chosen(on_token)), tmp_path / "backup"
        assert await write_backup(file, lock, all_entries(vault), epoch_ms()) == 1
        made = vault.kms.rotate()
        assert await rewrap(vault) >= 1
        assert vault.kms.drop_retired(2**60) == [old]
        assert await vault.get(API_KEY, "one") == b"secret"
        assert (await holding(vault)).by_key == {made: 1}
        with pytest.raises(BackupError, match=f"key {old}, which the token .* does not hold"):
            list(read_entries(file, lock))  # what the dropped key opened is lost, a backup too
    finally:
        await vault.redis.flushall()
        await vault.aclose()
