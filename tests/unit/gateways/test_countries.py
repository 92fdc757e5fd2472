"""Countries by files as MaxMind and others make them; and no address further than there."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from gateways.core.address_files import LOOK_S
from gateways.core.countries import Countries
from streams.core.settings import SettingsError

GERMAN, FRENCH = "192.0.2.7", "2001:db8::1"


def write(path: Path, records: dict[str, Any]) -> Path:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-Country")
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


def country(code: str) -> dict[str, Any]:
    return {"country": {"iso_code": code, "names": {"en": "somewhere"}}}


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "c.mmdb", {"192.0.2.0/24": country("DE"), "2001:db8::/32": country("FR")})


def test_addresses_of_both_kinds(file: Path) -> None:
    countries = Countries(file)
    assert countries.of(ip_address(GERMAN)) == "DE"
    assert countries.of(ip_address(FRENCH)) == "FR"
    assert countries.of(ip_address("198.51.100.1")) == ""
    assert countries.of(None) == ""


def test_without_a_file_all_are_unknown() -> None:
    assert Countries(None).of(ip_address(GERMAN)) == ""


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"registered_country": {"iso_code": "AT"}}, "AT"),
        ({"country": "CH"}, "CH"),
        ({"country_code": "IT"}, "IT"),
        ({"country": {"iso_code": "not a code"}}, ""),
        ({"continent": {"code": "EU"}}, ""),
        ({"country": 7}, ""),
    ],
)
def test_records_of_other_makers(tmp_path: Path, record: Any, code: str) -> None:
    assert Countries(write(tmp_path / "c.mmdb", {"192.0.2.0/24": record})).of(ip_address(GERMAN)) == code


def test_a_file_that_is_none_is_said_at_the_start(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.mmdb", tmp_path / "text.mmdb"):
        if path.name == "text.mmdb":
            path.write_text("no database")
        with pytest.raises(SettingsError, match=r"GEOIP_FILE.*mmdb"):
            Countries(path)


def test_a_new_file_takes_over_and_a_broken_one_does_not(file: Path, tmp_path: Path) -> None:
    clock = Clock()
    countries = Countries(file, clock)
    write(tmp_path / "new.mmdb", {"192.0.2.0/24": country("AT")}).replace(file)
    assert countries.of(ip_address(GERMAN)) == "DE"
    clock.now_s += LOOK_S
    assert countries.of(ip_address(GERMAN)) == "AT"
    (tmp_path / "broken.mmdb").write_text("no database")
    (tmp_path / "broken.mmdb").replace(file)
    clock.now_s += LOOK_S
    assert countries.of(ip_address(GERMAN)) == "AT"
    file.unlink()
    clock.now_s += LOOK_S
    assert countries.of(ip_address(GERMAN)) == "AT"
