"""Every setting of every process: type, default and doc, declared once.

Read from the environment (upper-case names), else from `.env` in the working directory, else the defaults
below. `kinolog config` prints them, `.env.example` is generated.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from streams.core.gate_settings import OidcIssuer, WidevineSigner, check_networks, from_json, listed, weakness
from streams.core.licence_settings import (
    FairPlayLicences,
    PlayReadyLicences,
    WidevineLicences,
    from_json_or_file,
)

CHECKOUT = Path(__file__).resolve().parents[2]
Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """A setting has a value that it cannot have; the message names it and what it takes."""


class Settings(BaseSettings):
    """The settings. Construct with keyword arguments in tests, with `load_settings()` elsewhere."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    # -- where things are --
    kinolog_home: Path = Field(
        default=CHECKOUT / ".kinolog", description="Folder of the local stack's data, logs and credentials."
    )
    topology_file: Path | None = Field(
        default=None, description="Another map; empty: the packaged topology.yaml."
    )
    schema_root: Path | None = Field(
        default=None,
        description="One more folder of schemas with an ids.lock of its own (tests); empty: none.",
    )

    # -- process --
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe level that is logged."
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="json: one object a line; console: for a person at a terminal."
    )
    bind_host: str = Field(default="127.0.0.1", description="Address that servers listen on.")
    instance: str = Field(
        default="1",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="Stable name of this process among its like (slot): a restarted one takes over at once.",
    )

    # -- Kafka --
    kafka_bootstrap_servers: str = Field(default="127.0.0.1:9092", description="host:port, comma-separated.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to talk to the brokers."
    )
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="", description="SASL mechanism; empty: none."
    )
    kafka_sasl_username: str = Field(default="", description="SASL user name.")
    kafka_sasl_password: SecretStr = Field(default=SecretStr(""), description="SASL password.")
    kafka_ssl_ca_file: Path | None = Field(
        default=None, description="CA bundle for SSL; empty: the system's."
    )
    kafka_replication_factor: int = Field(
        default=1,
        ge=1,
        le=9,
        description="Replicas of topics that `kinolog topics create` makes; production: 3.",
    )
    producer_linger_ms: float = Field(
        default=0,
        ge=0,
        le=1000,
        description="How long producers gather records, milliseconds; adds to each hop.",
    )
    event_max_bytes: int = Field(
        default=900_000, ge=1_000, le=10_000_000, description="Largest record (key, value, headers), bytes."
    )
    publish_timeout_s: float = Field(
        default=5.0, gt=0, le=300, description="Seconds a gateway waits for the broker before it answers 503."
    )

    # -- Redis --
    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis or Valkey, 7 or newer, of the projections.",
    )
    redis_cluster: bool = Field(
        default=False, description="Whether REDIS_URL names a node of a Redis Cluster."
    )

    # -- vault --
    vault_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6380/0"),
        description="Redis or Valkey of the vault, a server of its own: appendonly yes, appendfsync always.",
    )
    kms: Literal["file", "pkcs11"] = Field(
        default="file",
        description="Where the keys are that the vault's values are wrapped under: in KMS_FILE, or in a "
        "token (a hardware security module) that is reached by PKCS#11.",
    )
    kms_file: Path | None = Field(
        default=None,
        description="With KMS=file: the file of the keys, mode 0600; empty: kms.json in KINOLOG_HOME, made "
        "at the first use.",
    )
    kms_pkcs11_module: Path | None = Field(
        default=None, description="With KMS=pkcs11: the token's library, a .so of its vendor."
    )
    kms_pkcs11_token: str = Field(default="kinolog", description="With KMS=pkcs11: the token's label.")
    kms_pkcs11_pin: SecretStr = Field(
        default=SecretStr(""), description="With KMS=pkcs11: the user's PIN of the token."
    )
    vault_backup_max_age_days: int = Field(
        default=7,
        ge=1,
        le=3650,
        description="Oldest backup that `kinolog vault restore` takes, days: an older one brings back people "
        "who were erased since.",
    )

    # -- ClickHouse --
    clickhouse_url: SecretStr = Field(
        default=SecretStr("http://default:@127.0.0.1:8123/kinolog"),
        description="ClickHouse's HTTP interface: http(s)://user:password@host:port/database.",
    )
    clickhouse_read_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        description="Replicas that gateways ask instead, in turn, as such URLs, comma-separated; empty: "
        "CLICKHOUSE_URL itself.",
    )
    clickhouse_cluster: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_-]*$",
        description="Cluster whose hosts all hold the tables, replicated (`kinolog ddl` shows how); empty: a "
        "single server.",
    )

    # -- object store --
    s3_endpoint: str = Field(default="http://127.0.0.1:9000", description="S3 endpoint.")
    s3_region: str = Field(default="us-east-1", description="S3 region used in signatures.")
    s3_bucket: str = Field(
        default="kinolog", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="Bucket of all media."
    )
    s3_access_key: SecretStr = Field(default=SecretStr(""), description="S3 access key.")
    s3_secret_key: SecretStr = Field(default=SecretStr(""), description="S3 secret key.")

    # -- gateways --
    admin_api_key_sha256: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="SHA-256 (hexadecimal) of the administrator's API key; empty: no key is accepted.",
    )
    session_secret: SecretStr = Field(
        default=SecretStr(""), description="Signs session cookies and watch codes, 32 characters or more."
    )
    token_issuer: str = Field(
        default="kinolog",
        min_length=1,
        max_length=200,
        description="`iss` of our session tokens; other issuers must have another name.",
    )
    public_url: str = Field(
        default="",
        description="Base URL of watch links, for example https://video.example.org; empty: the service's "
        "own address. Behind a proxy that speaks https it has to be set: https here, or in SERVICE_URLS, "
        "makes session cookies Secure, and pages' changes be expected from https.",
    )
    service_urls: Annotated[dict[str, str], NoDecode] = Field(
        default={},
        description="Base URLs of services that pages lead to or call, as JSON: service -> URL, such as "
        '{"identity": "https://video.example.org:8443"}; on one host, so that one sign-in holds for all. '
        "Without one: PUBLIC_URL (streaming), or the page's host and the service's port.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may call with a credential of their own, comma-separated; empty: "
        "only ours. None of them may use a visitor's cookie.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Networks of the proxies in front of the gateways, comma-separated: what they say of a "
        "client's address is believed; empty: nobody is.",
    )
    proxy_header: Literal["X-Forwarded-For", "Forwarded"] = Field(
        default="X-Forwarded-For",
        description="The header that those proxies write; the other one may come from the client.",
    )
    geoip_file: Path | None = Field(
        default=None,
        description="MaxMind DB file (country or city) by which analytics and login sessions tell a country; "
        "replace it by renaming another to its name, as geoipupdate does. Empty: countries stay unknown.",
    )
    anonymisers_file: Path | None = Field(
        default=None,
        description="MaxMind DB file (anonymous networks) by which licences tell networks that hide where "
        "they are; replace it by renaming another to its name. Empty: not known, and policies that ask deny.",
    )
    rate_limits: Annotated[dict[str, dict[str, str]], NoDecode] = Field(
        default={},
        description="Changes of rates, as JSON: class (read, write, sign-in, message, room, beat, "
        "refused) -> "
        'what is counted (user, key, ip) -> requests/seconds or off, such as {"sign-in": {"ip": "60/60"}}.',
    )
    oidc_issuers: Annotated[tuple[OidcIssuer, ...], NoDecode] = Field(
        default=(),
        description="OpenID Connect issuers whose tokens let people in, as a JSON list of objects with "
        "issuer, audience, jwks_uri, algorithms, roles_claim and roles (theirs -> ours).",
    )
    jwt_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Also take HS256 tokens under this secret (32 random bytes or more), for "
        "deployments that have such; empty: none are taken.",
    )
    widevine_signers: Annotated[dict[str, WidevineSigner], NoDecode] = Field(
        default={},
        description="Packagers that may ask for content keys by Widevine's key API, as JSON: signer -> "
        '{"key": hexadecimal AES key, "iv": hexadecimal vector}.',
    )
    widevine_licences: Annotated[WidevineLicences | None, NoDecode] = Field(
        default=None,
        description="Widevine's cloud licence service, as JSON (or @ and the file that holds it) "
        "with url, provider, key (hexadecimal AES key) "
        "and iv (hexadecimal vector), as the provider's agreement with Google gives them; empty: no licences "
        "of Widevine.",
    )
    playready_licences: Annotated[PlayReadyLicences | None, NoDecode] = Field(
        default=None,
        description="A PlayReady licence server, as JSON (or @ and the file that holds it) "
        "with url, secret (32 bytes, hexadecimal: seals what "
        "we tell it) and enforces (rules that it writes into licences); empty: no licences of PlayReady.",
    )
    fairplay_licences: Annotated[FairPlayLicences | None, NoDecode] = Field(
        default=None,
        description="FairPlay, as JSON (or @ and the file that holds it) "
        "with certificate_file and either url, secret (32 bytes, hexadecimal) "
        "and enforces of a key-security module over HTTP, or module (package.module:name) of a plug-in; "
        "empty: no licences of FairPlay.",
    )
    max_upload_bytes: int = Field(default=20 * 2**30, ge=1, description="Largest upload accepted, bytes.")

    # -- media workers --
    encode_slots: int = Field(
        default=0, ge=0, le=256, description="Encoding jobs at once in one worker; 0: one per processor."
    )
    sandbox_required: bool = Field(
        default=True,
        description="Refuse uploads where the kernel can confine the decoder of strangers' files in no way, "
        "and to encrypt where it has no Landlock.",
    )

    def __init__(self, **values: Any) -> None:
        # An empty variable means "not set", as .env files write it.
        super().__init__(_env_ignore_empty=True, **values)

    @property
    def kms_path(self) -> Path:
        """The key file: KMS_FILE, or the one in KINOLOG_HOME."""
        return self.kms_file or self.kinolog_home / "kms.json"

    def kafka_client(self) -> dict[str, Any]:
        """What every librdkafka client needs to reach the brokers."""
        config: dict[str, Any] = {
            "bootstrap.servers": self.kafka_bootstrap_servers,
            "security.protocol": self.kafka_security_protocol,
        }
        if self.kafka_sasl_mechanism:
            config["sasl.mechanism"] = self.kafka_sasl_mechanism
            config["sasl.username"] = self.kafka_sasl_username
            config["sasl.password"] = self.kafka_sasl_password.get_secret_value()
        if self.kafka_ssl_ca_file:
            config["ssl.ca.location"] = str(self.kafka_ssl_ca_file)
        return config

    def kafka_ssl_context(self) -> ssl.SSLContext | None:
        """The same for Kafka clients that take a context of Python's; None where SSL is off.

        Raises OSError if KAFKA_SSL_CA_FILE cannot be read.
        """
        if self.kafka_security_protocol not in ("SSL", "SASL_SSL"):
            return None
        return ssl.create_default_context(cafile=self.kafka_ssl_ca_file)

    @field_validator("cors_origins", "trusted_proxies", "clickhouse_read_urls", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return listed(value)

    @field_validator("widevine_licences", "playready_licences", "fairplay_licences", mode="before")
    @classmethod
    def _from_json_or_file(cls, value: Any) -> Any:
        return from_json_or_file(value)

    @field_validator("rate_limits", "service_urls", "oidc_issuers", "widevine_signers", mode="before")
    @classmethod
    def _from_json(cls, value: Any) -> Any:
        return from_json(value)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_networks(value)

    @field_validator("jwt_secret")
    @classmethod
    def _strong(cls, value: SecretStr) -> SecretStr:
        weak = weakness(value.get_secret_value()) if value.get_secret_value() else ""
        if weak:
            raise ValueError(f"too weak, {weak}; take one of `openssl rand -base64 32`")
        return value

    @model_validator(mode="after")
    def _issuers_differ(self) -> Settings:
        names = [self.token_issuer, *(issuer.issuer for issuer in self.oidc_issuers)]
        if len(set(names)) < len(names):
            raise ValueError("OIDC_ISSUERS and TOKEN_ISSUER name one issuer twice: each needs its own name")
        return self

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> Settings:
        if self.kafka_security_protocol.startswith("SASL") != bool(self.kafka_sasl_mechanism):
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL is {self.kafka_security_protocol} and KAFKA_SASL_MECHANISM is "
                f"{self.kafka_sasl_mechanism or 'empty'}: set both for SASL, or neither"
            )
        return self


def load_settings(**overrides: Any) -> Settings:
    """The process's settings. Raises SettingsError naming each wrong setting and what it takes."""
    try:
        return Settings(_env_file=".env", **overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(_explained(e) for e in error.errors())) from None


def _explained(error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else "settings"
    field = Settings.model_fields.get(name)
    doc = f" ({field.description})" if field else ""
    # The value itself may be a secret: never repeat it.
    return f"{name.upper()}: {error['msg']}{doc}: correct the variable; `kinolog config` lists all settings"
