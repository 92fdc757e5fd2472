"""What players of Widevine and PlayReady ask, as far as it is in clear; the rest of a request is made up."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.drm import playready, widevine

CERTIFICATE_REQUEST = b"\x08\x04"


def field(number: int, value: bytes | int) -> bytes:
    """One field of a message of protocol buffers."""
    if isinstance(value, int):
        return bytes([number << 3]) + _varint(value)
    return bytes([number << 3 | 2]) + _varint(len(value)) + value


def widevine_request(
    kids: Iterable[str], *, offline: bool = False, boxed: bool = False, scheme: str = "cenc"
) -> bytes:
    """A SignedMessage with a licence request; `boxed`: with the whole box, as newer clients send it."""
    if boxed:
        init = field(1, 1) + field(2, widevine.pssh(kids, scheme)) + field(3, 2 if offline else 1)
        content = field(4, init + field(4, b"request"))
    else:
        said = field(1, widevine.data(kids, scheme)) + field(2, 2 if offline else 1)
        content = field(1, said + field(3, b"request"))
    return _signed(content)


def widevine_renewal() -> bytes:
    """Of a licence that the player has: it names no keys."""
    return _signed(field(3, field(1, b"the licence's id") + field(2, 60)))


def _signed(content: bytes) -> bytes:
    request = field(1, b"a device") + field(2, content) + field(3, 1) + field(4, 1_700_000_000) + field(6, 21)
    return field(1, 1) + field(2, request) + field(3, b"a signature")


def playready_request(keys: dict[str, bytes], scheme: str = "cenc", header: str = "") -> bytes:
    """AcquireLicense for some keys, or with another `header` in the WRMHEADER's place."""
    header = header or playready.header(keys, scheme)
    messages = "http://schemas.microsoft.com/DRM/2007/03/protocols"
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<AcquireLicense xmlns="{messages}"><challenge><Challenge xmlns="{messages}/messages">'
        f'<LA xmlns="{messages}" Id="SignedData" xml:space="preserve"><Version>1</Version>'
        f"<ContentHeader>{header}</ContentHeader><LicenseNonce>bm9uY2U=</LicenseNonce>"
        "<EncryptedData>ZGV2aWNl</EncryptedData></LA><Signature>c2lnbmVk</Signature>"
        "</Challenge></challenge></AcquireLicense></soap:Body></soap:Envelope>"
    ).encode()


def _varint(number: int) -> bytes:
    said = bytearray()
    while number > 0x7F:
        said.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*said, number])
