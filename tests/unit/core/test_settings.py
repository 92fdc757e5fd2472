"""Settings: read, refused, shown, written as an example."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr

from streams.core.gate_settings import weakness
from streams.core.settings import Settings, SettingsError, load_settings
from streams.core.settings_doc import env_example, setting_rows, shown


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_environment_before_file_before_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\nINSTANCE=file\nS3_BUCKET=\n")
    monkeypatch.setenv("INSTANCE", "env")
    found = load_settings()
    assert (found.log_level, found.instance, found.s3_bucket, found.log_format) == (
        "DEBUG",
        "env",
        "kinolog",
        "json",
    )


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODUCER_LINGER_MS", "")
    assert load_settings().producer_linger_ms == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "loud"),
        ("PRODUCER_LINGER_MS", "-1"),
        ("ENCODE_SLOTS", "many"),
        ("ADMIN_API_KEY_SHA256", "abc"),
    ],
)
def test_a_wrong_value_is_named_with_its_meaning(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: .*kinolog config"):
        load_settings()


def test_a_wrong_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_API_KEY_SHA256", "the-plain-key")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "the-plain-key" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_every_setting_has_a_type_and_a_meaning() -> None:
    for row in setting_rows():
        assert row.doc.endswith("."), row.name
        assert row.type, row.name
        assert "<class" not in row.type, row.name


def test_the_example_holds_every_setting_at_its_default(tmp_path: Path) -> None:
    text = env_example()
    lines = [line[1:] for line in text.splitlines() if line.startswith("#") and not line.startswith("# ")]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert set(dotenv_values(tmp_path / ".env")) == {name.upper() for name in Settings.model_fields}
    given = load_settings().model_dump()
    plain = Settings().model_dump()
    assert {k for k in plain if given[k] != plain[k]} <= {"kinolog_home"}  # shown relative to the checkout


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (SecretStr("abc"), "(hidden)"),
        (SecretStr(""), ""),
        (SecretStr("redis://h:1/0"), "redis://h:1/0"),
        (SecretStr("redis://me:pass@h:1/0"), "redis://(hidden)@h:1/0"),
        (SecretStr("http://default:pass@h:1/db"), "http://(hidden)@h:1/db"),
        (SecretStr("http://default:@h:1/db"), "http://default:@h:1/db"),
        (None, ""),
        (True, "true"),
        (("a", "b"), "a,b"),
    ],
)
def test_values_are_shown_without_secrets(value: object, text: str) -> None:
    assert shown(value) == text


def test_rows_show_no_secret() -> None:
    rows = setting_rows(Settings(session_secret=SecretStr("s" * 40), s3_secret_key=SecretStr("topsecret")))
    assert not [row for row in rows if "topsecret" in row.value or "sss" in row.value]


def test_kafka_client_settings() -> None:
    assert set(Settings().kafka_client()) == {"bootstrap.servers", "security.protocol"}
    sasl = Settings(
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="u",
        kafka_sasl_password=SecretStr("p"),
    ).kafka_client()
    assert sasl["sasl.password"] == "p"


def test_lists_and_json_are_read_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,fd00::/8")
    monkeypatch.setenv("RATE_LIMITS", '{"sign-in": {"ip": "20/60"}}')
    local = issuer(audience="us", jwks_uri="http://127.0.0.1:1/keys")
    monkeypatch.setenv("OIDC_ISSUERS", local)
    found = load_settings()
    assert found.cors_origins == ("https://a.example", "https://b.example")
    assert found.trusted_proxies == ("10.0.0.0/8", "fd00::/8")
    assert found.rate_limits == {"sign-in": {"ip": "20/60"}}
    assert found.oidc_issuers[0].algorithms == ("RS256", "ES256")
    assert '"audience": "us"' in shown(found.oidc_issuers)


def issuer(**changed: object) -> str:
    """OIDC_ISSUERS with one that is right but for `changed`."""
    return json.dumps([{"issuer": "i", "audience": "a", "jwks_uri": "https://i.example", **changed}])


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRUSTED_PROXIES", "the balancer", "IPv4 or IPv6"),
        ("RATE_LIMITS", "often", "not JSON"),
        ("OIDC_ISSUERS", "{}", "tuple"),
        ("OIDC_ISSUERS", issuer(jwks_uri="http://i.example/keys"), "https"),
        ("OIDC_ISSUERS", issuer(algorithms=["HS256"]), "ES256"),
        ("OIDC_ISSUERS", issuer(roles={"x": "god"}), "no role god"),
        ("OIDC_ISSUERS", issuer(issuer="kinolog"), "twice"),
        ("OIDC_ISSUERS", issuer(secret="x"), "Extra"),
        ("JWT_SECRET", "too-little", "32 bytes"),
        ("JWT_SECRET", "password" * 8, "over and over"),
        ("JWT_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "too few different"),
    ],
)
def test_the_gate_refuses_what_is_wrong_or_weak(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings()
    if name == "JWT_SECRET":
        assert value not in str(caught.value)


def test_a_secret_made_of_chance_is_strong() -> None:
    dice = random.Random(7)  # the same each time
    for _ in range(200):
        assert weakness(dice.randbytes(16).hex()) == ""
        assert weakness(base64.urlsafe_b64encode(dice.randbytes(32)).decode()) == ""


def test_secrets_of_signers_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "1ae8ccd0e7985cc0b6203a55855a1034"
    monkeypatch.setenv("WIDEVINE_SIGNERS", json.dumps({"us": {"key": secret, "iv": secret}}))
    found = load_settings()
    assert found.widevine_signers["us"].secrets() == (bytes.fromhex(secret),) * 2
    assert '"us"' in shown(found.widevine_signers)
    for text in (shown(found.widevine_signers), repr(found)):
        assert secret not in text
    monkeypatch.setenv("WIDEVINE_SIGNERS", json.dumps({"us": {"key": secret + "00", "iv": secret}}))
    with pytest.raises(SettingsError, match="key must have 16 or 32 bytes, iv 16") as said:
        load_settings()
    assert secret not in str(said.value)


LICENCE_SERVERS: dict[str, dict[str, Any]] = {
    "widevine_licences": {
        "url": "https://licences.example/getlicense", "provider": "us", "key": "5e" * 32, "iv": "5e" * 16,
    },
    "playready_licences": {
        "url": "http://127.0.0.1:9/rightsmanager.asmx", "secret": "5e" * 32, "enforces": ["hdcp"],
    },
    "fairplay_licences": {
        "url": "https://ksm.example", "secret": "5e" * 32, "certificate_file": "fairplay.der",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LICENCE_SERVERS)
def test_secrets_of_licence_servers_are_not_shown(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(name.upper(), json.dumps(LICENCE_SERVERS[name]))
    found = load_settings()
    (tmp_path / "secrets.json").write_text(json.dumps(LICENCE_SERVERS[name]))
    monkeypatch.setenv(name.upper(), f"@{tmp_path}/secrets.json")
    assert load_settings() == found
    monkeypatch.setenv(name.upper(), f"@{tmp_path}/nowhere.json")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings()
    assert LICENCE_SERVERS[name]["url"] in shown(getattr(found, name))
    for text in (shown(getattr(found, name)), repr(found)):
        assert "5e5e" not in text


@pytest.mark.parametrize(
    ("name", "changed", "why"),
    [
        ("widevine_licences", {"url": "http://licences.example"}, "url must be https"),
        ("widevine_licences", {"iv": "5e"}, "iv 16"),
        ("widevine_licences", {"provider": ""}, "at least 1 character"),
        ("playready_licences", {"secret": "5e" * 31}, "secret must have 32 bytes"),
        ("playready_licences", {"secret": "x" * 64}, "secret must have 32 bytes"),
        ("playready_licences", {"enforces": ["hdpc"]}, "no rule hdpc"),
        ("fairplay_licences", {"secret": None}, "name either url and secret"),
        ("fairplay_licences", {"module": "a:b"}, "name either url and secret"),
        ("fairplay_licences", {"url": "ftp://ksm.example"}, "url must be https"),
    ],
)
def test_licence_servers_that_cannot_be(
    name: str, changed: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name.upper(), json.dumps(LICENCE_SERVERS[name] | changed))
    with pytest.raises(SettingsError, match=why) as said:
        load_settings()
    assert "5e5e" not in str(said.value)
