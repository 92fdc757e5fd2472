"""The bytes of signalling: published vectors, and what Shaka Packager 3.8 writes for the same keys."""

from __future__ import annotations

import base64
import contextlib
import json
import uuid
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.drm import clearkey, fairplay, playready, widevine
from schemas.drm.pssh import COMMON, FAIRPLAY, PLAYREADY, WIDEVINE, Pssh, PsshError, build, common, parse
from schemas.drm.signalling import METHODS, dash_pssh, hls_key, signals
from tests.support.clearkey import challenge_of

# PlayReady's published test server seed, and keys that it makes.
SEED = base64.b64decode("XVBovsmzhP9gRIZxWfFta3VVRPzVEWmJsazEJ46I")
PUBLISHED = {
    "8ba94ade6eb9449db44fa5beefaf43b0": "DBFD6922C321C4BB486F4A1C44097ED6",
    "339c45b5fb6d4bd9994ceabd9d41c95b": base64.b64decode("pTfNwMplhBQG1SXnvyLXVA==").hex().upper(),
}

# What Shaka Packager 3.8.0 wrote for these two keys (its own samples').
SOUND = "abba271e8bcf552bbd2e86a434a9a5d9"
PICTURE = "6d76f25cb17f5e16b8eaef6bbf582d8e"
KEYS = {
    SOUND: bytes.fromhex("69eaa802a6763af979e8d1940fb88392"),
    PICTURE: bytes.fromhex("cb541084c99731aef4fff74500c12ead"),
}
PACKAGER_COMMON = (
    "AAAARHBzc2gBAAAAEHfv7MCyTQKs4zweUuL7SwAAAAKruicei89VK70uhqQ0qaXZbXbyXLF/Xha46u9rv1gtjgAAAAA="
)
PACKAGER_WIDEVINE = {
    "cenc": "AAAASnBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAACoSEKu"
    "6Jx6Lz1UrvS6GpDSppdkSEG128lyxf14WuOrva79YLY5I49yVmwY=",
    "cbcs": "AAAASnBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAACoSEKu"
    "6Jx6Lz1UrvS6GpDSppdkSEG128lyxf14WuOrva79YLY5I88aJmwY=",
}
PACKAGER_HEADER_CENC = (
    '<WRMHEADER xmlns="http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader" version="4.0.0.0"><DATA>'
    "<PROTECTINFO><KEYLEN>16</KEYLEN><ALGID>AESCTR</ALGID></PROTECTINFO><KID>Hie6q8+LK1W9LoakNKml2Q==</KID>"
    "<CHECKSUM>BB31ycMlSig=</CHECKSUM></DATA></WRMHEADER>"
)
PACKAGER_HEADER_CBCS = (
    '<WRMHEADER xmlns="http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader" version="4.3.0.0"><DATA>'
    '<PROTECTINFO><KIDS><KID ALGID="AESCBC" VALUE="Hie6q8+LK1W9LoakNKml2Q=="></KID></KIDS></PROTECTINFO>'
    "</DATA></WRMHEADER>"
)
PACKAGER_HEADS = {
    "cenc": ("00000226", "06020000010001 00fc01"),
    "cbcs": ("000001de", "be010000010001 00b401"),
}

kids = st.uuids().map(lambda found: found.hex)
keys = st.binary(min_size=16, max_size=16)
schemes = st.sampled_from(["cenc", "cbcs"])


def test_keys_of_the_published_seed() -> None:
    assert {kid: playready.key_of_seed(SEED, kid).hex().upper() for kid in PUBLISHED} == PUBLISHED
    assert playready.key_of_seed(SEED + b"more than the 30 bytes that count", SOUND) == (
        playready.key_of_seed(SEED, SOUND)
    )
    with pytest.raises(ValueError, match="30 bytes or more; this one has 29"):
        playready.key_of_seed(SEED[:29], SOUND)


def test_the_published_checksum() -> None:
    kid = "8ba94ade6eb9449db44fa5beefaf43b0"
    assert playready.checksum(kid, bytes.fromhex(PUBLISHED[kid])) == "Me48z71nuqY="


def test_the_common_box_is_the_packagers() -> None:
    assert common([SOUND, PICTURE]) == base64.b64decode(PACKAGER_COMMON)


@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
def test_widevines_box_is_the_packagers(scheme: str) -> None:
    assert widevine.pssh([SOUND, PICTURE], scheme) == base64.b64decode(PACKAGER_WIDEVINE[scheme])


@pytest.mark.parametrize(
    ("scheme", "written"), [("cenc", PACKAGER_HEADER_CENC), ("cbcs", PACKAGER_HEADER_CBCS)]
)
def test_playreadys_header_object_and_box_are_the_packagers(scheme: str, written: str) -> None:
    assert playready.header({SOUND: KEYS[SOUND]}, scheme) == written
    pro = playready.object_of(written)
    box_head, pro_head = (bytes.fromhex(text) for text in PACKAGER_HEADS[scheme])
    assert pro == pro_head + written.encode("utf-16-le")
    size = (len(pro)).to_bytes(4, "big")
    assert playready.pssh(pro) == box_head + b"pssh" + bytes(4) + uuid.UUID(PLAYREADY).bytes + size + pro


@pytest.mark.parametrize(
    ("version", "count", "said"),
    [
        (
            "4.1.0.0",
            1,
            '<PROTECTINFO><KID ALGID="AESCTR" CHECKSUM="BB31ycMlSig=" VALUE="Hie6q8+LK1W9LoakNKml2Q=="',
        ),
        ("4.2.0.0", 2, '<PROTECTINFO><KIDS><KID ALGID="AESCTR" CHECKSUM="BB31ycMlSig=" VALUE="Hie6q8+LK1W9L'),
        ("4.3.0.0", 2, '<PROTECTINFO><KIDS><KID ALGID="AESCTR" CHECKSUM="BB31ycMlSig=" VALUE="Hie6q8+LK1W9L'),
    ],
)
def test_newer_headers_put_it_into_attributes(version: playready.Version, count: int, said: str) -> None:
    text = playready.header(dict(list(KEYS.items())[:count]), "cenc", version=version)
    assert f'version="{version}"><DATA>{said}' in text
    assert text.count("</KID>") == count
    ElementTree.fromstring(text)  # noqa: S314 - our own


def test_a_header_takes_the_oldest_version_that_can_say_it_and_refuses_what_none_can() -> None:
    assert playready.version_for("cenc", 1) == "4.0.0.0"
    assert 'version="4.2.0.0"' in playready.header(KEYS, "cenc")
    assert 'version="4.3.0.0"' in playready.header(KEYS, "cbcs")
    with pytest.raises(ValueError, match=r"4\.0\.0\.0 cannot say 2 keys: take 4\.2\.0\.0 or newer"):
        playready.header(KEYS, "cenc", version="4.0.0.0")
    with pytest.raises(ValueError, match=r"4\.2\.0\.0 cannot say cbcs: take 4\.3\.0\.0"):
        playready.header(KEYS, "cbcs", version="4.2.0.0")
    with pytest.raises(ValueError, match="0 keys"):
        playready.header({}, "cbcs")


def test_a_licence_address_is_escaped() -> None:
    text = playready.header(KEYS, "cbcs", licence_url="https://example.org/rm?a=1&b=<2>")
    assert "<LA_URL>https://example.org/rm?a=1&amp;b=&lt;2&gt;</LA_URL></DATA>" in text


@given(st.sampled_from([COMMON, WIDEVINE, PLAYREADY]), st.binary(max_size=300), st.lists(kids, max_size=5))
def test_boxes_come_back_as_they_were_written(system: str, data: bytes, listed: list[str]) -> None:
    boxes = [Pssh(system, data), Pssh(system, data, tuple(listed)), Pssh(WIDEVINE, b"")]
    assert list(parse(b"".join(map(build, boxes)))) == boxes


@given(st.lists(kids, max_size=3), st.binary(max_size=40), st.data())
def test_cut_boxes_are_refused(listed: list[str], data: bytes, draw: st.DataObject) -> None:
    whole = build(Pssh(COMMON, data, tuple(listed)))
    cut = whole[: draw.draw(st.integers(1, len(whole) - 1))]
    with pytest.raises(PsshError):
        list(parse(cut))


@given(st.binary(max_size=200))
def test_whatever_is_no_box_is_refused_with_its_own_error(noise: bytes) -> None:
    for boxes in (noise, build(Pssh(COMMON, b"", (SOUND,)))[:28] + noise):
        with contextlib.suppress(PsshError):
            assert b"".join(map(build, parse(boxes))) == boxes


@given(kids, keys)
def test_checksums_tell_keys_apart(kid: str, key: bytes) -> None:
    other = bytes([key[0] ^ 1]) + key[1:]
    assert playready.checksum(kid, key) != playready.checksum(kid, other)
    assert uuid.UUID(bytes_le=base64.b64decode(playready.guid(kid))).hex == kid


@given(kids, keys, schemes)
def test_each_systems_signals_agree_with_each_other(kid: str, key: bytes, scheme: str) -> None:
    for system in (WIDEVINE, PLAYREADY):
        said = signals(system, kid, key, scheme)
        [box] = parse(said.box)
        assert box.system == system
        assert said.dash.startswith(dash_pssh(said.box))
        inner = box.data if system == PLAYREADY else said.box
        assert base64.b64decode(said.hls_uri.rpartition(",")[2]) == inner
    assert key.hex() not in said.dash


def test_fairplay_has_a_name_for_the_key_and_no_box() -> None:
    said = signals(FAIRPLAY, SOUND, KEYS[SOUND], "cbcs")
    assert (said.box, said.dash) == (b"", "")
    assert said.hls_uri == fairplay.hls_uri(SOUND) == "skd://abba271e-8bcf-552b-bd2e-86a434a9a5d9"
    assert hls_key(said.hls_uri, said.hls_key_format, "cbcs") == (
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://abba271e-8bcf-552b-bd2e-86a434a9a5d9",'
        'KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"'
    )
    assert hls_key("u", "f", "cenc", session=True).startswith(f"#EXT-X-SESSION-KEY:METHOD={METHODS['cenc']},")
    with pytest.raises(KeyError):
        signals(COMMON, SOUND, KEYS[SOUND], "cenc")


@given(st.dictionaries(kids, keys, min_size=1, max_size=4))
def test_a_clear_key_request_and_licence_come_back(pairs: dict[str, bytes]) -> None:
    assert clearkey.kids_of(challenge_of(pairs)) == list(pairs)
    said = json.loads(clearkey.licence(pairs))
    assert said["type"] == "temporary"
    found = {}
    for one in said["keys"]:
        assert "=" not in one["kid"] + one["k"]
        found[base64.urlsafe_b64decode(one["kid"] + "==").hex()] = base64.urlsafe_b64decode(one["k"] + "==")
    assert found == pairs


def test_the_example_of_the_recommendation() -> None:
    # Encrypted Media Extensions, section 9.1.3
    assert clearkey.kids_of(b'{"kids": ["LwVHf8JLtPrv2GUXFW2v_A"], "type": "temporary"}') == [
        "2f05477fc24bb4faefd86517156daffc"
    ]


@pytest.mark.parametrize(
    "asked",
    [
        b"", b"\xff", b"[]", b"null", b"{}", b'{"kids": 5}', b'{"kids": []}', b'{"kids": [5]}',
        b'{"kids": ["AA"]}',
        b'{"kids": ["LwVHf8JLtPrv2GUXFW2v_A"], "type": "persistent-license"}', b"[" * 100_000,
        b'{"kids": ["%%%%%%%%%%%%%%%%%%%%%%"]}', b'{"kids": "LwVHf8JLtPrv2GUXFW2v_A"}',
        json.dumps({"kids": ["LwVHf8JLtPrv2GUXFW2v_A"] * 65}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(asked: bytes) -> None:
    with pytest.raises(clearkey.ClearKeyError):
        clearkey.kids_of(asked)
