"""Which keeper of keys the settings choose."""

from __future__ import annotations

from streams.core.kms import Kms, KmsUnusable, LocalFileKms
from streams.core.settings import Settings


def open_kms(settings: Settings) -> Kms:
    """The one that KMS names. Raises KmsUnusable."""
    if settings.kms == "file":
        return LocalFileKms(settings.kms_path)
    if settings.kms_pkcs11_module is None:
        raise KmsUnusable(
            "KMS is pkcs11, and KMS_PKCS11_MODULE is empty: name the token's library (SoftHSM's on "
            "Debian is /usr/lib/softhsm/libsofthsm2.so)."
        )
    # Loaded where it is asked for only: it brings a native library.
    from streams.core.kms_pkcs11 import Pkcs11Kms

    pin = settings.kms_pkcs11_pin.get_secret_value()
    return Pkcs11Kms(settings.kms_pkcs11_module, settings.kms_pkcs11_token, pin)
