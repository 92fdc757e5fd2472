"""What settings of licence servers may say: one each for Widevine, PlayReady and FairPlay.

The servers are not ours: a Widevine provider's cloud, a PlayReady server under Microsoft's agreement, a
key-security module of Apple's. What we send them is signed or sealed with what stands here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from schemas.drm.views import ENFORCEABLE
from streams.core.gate_settings import WidevineSigner, from_json, is_loopback

SECRET_BYTES: Final = 32
_STRICT: Final = ConfigDict(extra="forbid", frozen=True)


def from_json_or_file(value: Any) -> Any:
    """A JSON text, or that of the file that @path names, as what it says. Raises ValueError."""
    if isinstance(value, str) and value.startswith("@"):
        try:
            value = Path(value[1:]).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file that it names cannot be read ({type(error).__name__})") from None
    return from_json(value)


def _private(value: str) -> str:
    url = urlsplit(value)
    if (url.scheme == "https" and url.hostname) or (url.scheme == "http" and is_loopback(url.hostname or "")):
        return value
    raise ValueError("url must be https; http only on this machine: content keys go there")


def _known(value: Any) -> Any:
    unknown = sorted(set(value) - set(ENFORCEABLE))
    if unknown:
        raise ValueError(f"enforces: there is no rule {', '.join(unknown)}; {', '.join(ENFORCEABLE)} are")
    return value


class WidevineLicences(WidevineSigner):
    """The cloud licence service, and how requests to it are signed."""

    url: str = Field(description="the provider's getlicense address")
    provider: str = Field(min_length=1, max_length=100, description="the provider's name; also the signer")

    _url = field_validator("url")(_private)


class Sealing(BaseModel):
    """What content keys are sealed with on their way to a server."""

    model_config = _STRICT

    secret: SecretStr | None = Field(default=None, description="32 random bytes, hexadecimal")

    def sealing_key(self) -> bytes:
        """The bytes of `secret`, which must be there."""
        assert self.secret is not None
        return bytes.fromhex(self.secret.get_secret_value())

    @field_validator("secret")
    @classmethod
    def _of_length(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            fits = value is None or len(bytes.fromhex(value.get_secret_value())) == SECRET_BYTES
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"secret must have {SECRET_BYTES} bytes; take one of `openssl rand -hex 32`")
        return value


class PlayReadyLicences(Sealing):
    """A PlayReady licence server that reads our entitlements."""

    url: str = Field(description="its AcquireLicense address")
    secret: SecretStr = Field(description="32 random bytes, hexadecimal: what it opens entitlements with")
    enforces: tuple[str, ...] = Field(default=(), description="rules that it writes into licences")

    _url = field_validator("url")(_private)
    _rules = field_validator("enforces")(_known)


class FairPlayLicences(Sealing):
    """The certificate and the key-security module: a server (`url`, `secret`), or `module` of a plug-in."""

    certificate_file: Path = Field(description="the application certificate that Apple gave, DER")
    url: str | None = Field(default=None, description="address of a key-security module over HTTP")
    module: str | None = Field(
        default=None, pattern=r"^[\w.]+:\w+$", description="package.module:name of a plug-in's factory"
    )
    enforces: tuple[str, ...] = Field(
        default=(), description="rules that the server writes into licences; a plug-in says so itself"
    )

    _rules = field_validator("enforces")(_known)

    @field_validator("url")
    @classmethod
    def _private(cls, value: str | None) -> str | None:
        return value if value is None else _private(value)

    @model_validator(mode="after")
    def _one_module(self) -> FairPlayLicences:
        if (self.url is None) == (self.module is None) or (self.url is None) != (self.secret is None):
            raise ValueError("name either url and secret of a key-security module, or module of a plug-in")
        return self
