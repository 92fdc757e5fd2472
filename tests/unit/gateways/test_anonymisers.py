"""Networks that hide where they are, by files as MaxMind and others make them."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from gateways.core.anonymisers import Anonymisers
from streams.core.settings import SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    writer = MMDBWriter(ip_version=4, database_type="Test-Anonymous")
    records: dict[str, dict[str, Any]] = {
        "192.0.2.0/24": {"is_anonymous": True, "is_anonymous_vpn": True},
        "198.51.100.0/24": {"is_tor": True},
        "203.0.113.0/24": {"is_anonymous": False},
    }
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    path = tmp_path / "a.mmdb"
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize(
    ("address", "hides"),
    [
        ("192.0.2.7", True), ("198.51.100.1", True), ("203.0.113.9", False), ("10.0.0.1", False),
        ("2001:db8::1", None),
    ],
)  # fmt: skip
def test_what_a_file_says(file: Path, address: str, hides: bool | None) -> None:
    assert Anonymisers(file).hides(ip_address(address)) is hides


def test_what_is_not_known_is_no_answer(tmp_path: Path, file: Path) -> None:
    assert Anonymisers(None).hides(ip_address("192.0.2.7")) is None
    assert Anonymisers(file).hides(None) is None
    (tmp_path / "b.mmdb").write_text("no database")
    with pytest.raises(SettingsError, match="ANONYMISERS_FILE"):
        Anonymisers(tmp_path / "b.mmdb")
