"""Pre-flight: too little disk or memory and broken tools are one sentence each, with the remedy."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from deploy.local import java, preflight
from deploy.local.credentials import CredentialsUnreadable, load_credentials
from deploy.local.layout import Home


def test_too_little_disk_names_folder_need_and_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOLOG_MIN_DISK_MB", str(10**9))
    check = preflight.check_disk(Home(tmp_path / "not" / "there"))
    assert not check.ok
    assert str(tmp_path) in check.detail
    assert "KINOLOG_HOME" in check.detail


def test_too_little_memory_names_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOLOG_MIN_MEMORY_MB", str(10**9))
    check = preflight.check_memory()
    assert not check.ok
    assert "1000000000 MB" in check.detail


def test_without_a_sandbox_it_is_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert preflight.check_sandbox(required=True).ok
    monkeypatch.setattr(preflight, "landlock_version", lambda: 0)
    monkeypatch.setattr(preflight.sys, "executable", "/bin/false")
    refused = preflight.check_sandbox(required=True)
    assert not refused.ok
    assert "SANDBOX_REQUIRED=false" in refused.detail
    assert preflight.check_sandbox(required=False).ok


def test_all_reasons_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOLOG_MIN_DISK_MB", str(10**9))
    monkeypatch.setenv("KINOLOG_MIN_MEMORY_MB", str(10**9))
    with pytest.raises(preflight.NotFit) as refused:
        preflight.require(Home(tmp_path), {})
    assert len(str(refused.value).splitlines()) == 2


def test_a_missing_jar_is_a_broken_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOLOG_TOOLS", str(tmp_path))
    failed = [check for check in preflight.check_tools() if not check.ok]
    assert [check.name for check in failed] == ["jars kafka", "jars s3proxy"]
    assert all("make setup" in check.detail for check in failed)


def test_java_that_does_not_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOLOG_JAVA", str(tmp_path / "no-java"))
    java.find_java.cache_clear()
    try:
        assert java.find_java().major >= java.OLDEST_MAJOR
    finally:
        java.find_java.cache_clear()


def test_a_server_starts_small_and_with_its_archive_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOLOG_TOOLS", str(tmp_path))
    newest, older = java.Java("java", java.ARCHIVES_SINCE), java.Java("java", java.OLDEST_MAJOR)
    assert {"-Xms64m", "-Xmx512m"} <= set(newest.options(512, "kafka"))
    assert "-Xms32m" in newest.options(32, "s3")
    assert not any("AOT" in option for option in newest.options(512, "kafka"))
    archive = java.archive_of("kafka")
    archive.parent.mkdir(parents=True)
    archive.touch()
    assert f"-XX:AOTCache={archive}" in newest.options(512, "kafka")
    assert not any("AOT" in option for option in newest.options(512, "s3") + older.options(512, "kafka"))


def test_no_java_at_all_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_major_of", lambda _executable: 11)
    java.find_java.cache_clear()
    try:
        with pytest.raises(java.JavaMissing, match=r"Java 17 or newer.*KINOLOG_JAVA"):
            java.find_java()
    finally:
        java.find_java.cache_clear()


def test_credentials_are_random_private_and_kept(tmp_path: Path) -> None:
    one, two = Home(tmp_path / "one"), Home(tmp_path / "two")
    first = load_credentials(one)
    assert load_credentials(one) == first
    assert set(first.values()).isdisjoint(load_credentials(two).values())
    assert stat.S_IMODE(one.credentials_file.stat().st_mode) == 0o600
    assert all(len(secret) >= 20 for secret in first.values())


def test_a_credential_added_later_leaves_the_others(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.credentials_file.write_text('{"admin_api_key": "kept"}')
    found = load_credentials(home)
    assert found["admin_api_key"] == "kept"
    assert found["session_secret"]


def test_damaged_credentials_are_not_overwritten(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.credentials_file.write_text("{half")
    with pytest.raises(CredentialsUnreadable, match="restore it, or delete it"):
        load_credentials(home)
    assert home.credentials_file.read_text() == "{half"
