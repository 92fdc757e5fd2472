"""Kafka's security settings reach both kinds of clients alike: librdkafka's and Faust's aiokafka."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import certifi
import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from pydantic import ValidationError

from streams.core.settings import Settings
from streams.engine.runtime import credentials

SASL = {"kafka_sasl_mechanism": "SCRAM-SHA-512", "kafka_sasl_username": "u", "kafka_sasl_password": "p"}


def both(**values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(librdkafka's settings, aiokafka's) of a process with these settings."""
    settings = Settings(**values)
    return settings.kafka_client(), dict(credentials_to_aiokafka_auth(credentials(settings)))


def test_plain_text() -> None:
    librdkafka, aiokafka = both()
    assert librdkafka["security.protocol"] == aiokafka["security_protocol"] == "PLAINTEXT"
    assert "ssl_context" not in aiokafka


def test_ssl_with_a_ca_of_its_own() -> None:
    ca = Path(certifi.where())
    librdkafka, aiokafka = both(kafka_security_protocol="SSL", kafka_ssl_ca_file=ca)
    assert librdkafka["security.protocol"] == aiokafka["security_protocol"] == "SSL"
    assert librdkafka["ssl.ca.location"] == str(ca)
    context = aiokafka["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == Path(certifi.where()).read_text().count("BEGIN CERTIFICATE")


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_sasl(protocol: str) -> None:
    librdkafka, aiokafka = both(kafka_security_protocol=protocol, **SASL)
    assert librdkafka["security.protocol"] == aiokafka["security_protocol"] == protocol
    assert librdkafka["sasl.mechanism"] == aiokafka["sasl_mechanism"] == "SCRAM-SHA-512"
    assert librdkafka["sasl.username"] == aiokafka["sasl_plain_username"] == "u"
    assert librdkafka["sasl.password"] == aiokafka["sasl_plain_password"] == "p"
    assert (aiokafka["ssl_context"] is not None) == (protocol == "SASL_SSL")


@pytest.mark.parametrize("values", [{"kafka_security_protocol": "SASL_SSL"}, SASL])
def test_half_of_sasl_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="set both for SASL, or neither"):
        Settings(**values)


def test_a_missing_ca_file_is_an_error_before_anything_connects(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        both(kafka_security_protocol="SSL", kafka_ssl_ca_file=tmp_path / "none.pem")
