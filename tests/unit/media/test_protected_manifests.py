"""What manifests say of a protected film: which key is whose, and nothing about films in clear."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import cast
from uuid import UUID
from xml.etree import ElementTree

import pytest

from gateways.media.manifests import dash, hls
from schemas.drm import playready, pssh, widevine
from schemas.media.plan import Plan
from schemas.media.protection import PlanProtection, labels_of
from streams.core.content_keys import kid_of
from streams.media.plan import protected
from tests.unit.media.telling import plan_of
from tests.unit.media.test_manifests import document_of

NS = {"m": "urn:mpeg:dash:schema:mpd:2011"}
RUNGS = ("360p", "480p", "720p", "2160p")
CLEAR = plan_of(rungs=RUNGS)
KIDS = {label: kid_of("film", label, 1) for label in labels_of(CLEAR)}
KID_OF = {
    "audio": KIDS["audio"], "360p": KIDS["sd"], "480p": KIDS["sd"], "720p": KIDS["hd"], "2160p": KIDS["uhd"],
}  # fmt: skip


def plan_for(scheme: str, systems: Sequence[str] = ("clearkey",)) -> Plan:
    named = [{"label": label, "kid": kid} for label, kid in KIDS.items()]
    protection = {"scheme": scheme, "systems": [*systems], "policy_id": "default", "version": 1}
    return protected(CLEAR, cast("PlanProtection", {**protection, "keys": named}))


def test_a_protected_film_lies_in_a_folder_of_its_own() -> None:
    hashes = {plan["profile_hash"] for plan in (CLEAR, plan_for("cenc"), plan_for("cbcs"))}
    assert len(hashes) == 3


@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
def test_the_mpd_names_the_key_of_every_representation(scheme: str) -> None:
    root = ElementTree.fromstring(dash.manifest(document_of(plan_for(scheme))))  # noqa: S314 - our own
    found = {}
    for one in root.iterfind(".//m:Representation", NS):
        general, system = one.findall("m:ContentProtection", NS)
        assert general.get("schemeIdUri") == "urn:mpeg:dash:mp4protection:2011"
        assert general.get("value") == scheme
        found[one.get("id")] = UUID(general.get("{urn:mpeg:cenc:2013}default_KID")).hex
        [box] = pssh.parse(base64.b64decode("".join(system.itertext())))
        assert box == pssh.Pssh(pssh.COMMON, b"", tuple(KIDS.values()))
        assert system.get("schemeIdUri") == "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e"
    assert found == KID_OF


@pytest.mark.parametrize(("scheme", "method"), [("cenc", "SAMPLE-AES-CTR"), ("cbcs", "SAMPLE-AES")])
def test_every_media_playlist_names_its_key(scheme: str, method: str) -> None:
    document = document_of(plan_for(scheme))
    for name, kid in KID_OF.items():
        [line] = [line for line in hls.media(document, name).splitlines() if "EXT-X-KEY" in line]
        said = base64.b64encode(bytes.fromhex(kid)).decode()
        assert f"METHOD={method}," in line
        assert f'URI="data:text/plain;base64,{said}"' in line
        assert 'KEYFORMAT="org.w3.clearkey"' in line


VENDORS = ("widevine", "playready")
CENC = "{urn:mpeg:cenc:2013}"


@pytest.mark.parametrize("also", [(), ("clearkey",)])
@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
def test_the_mpd_speaks_of_vendors_and_never_of_clear_key_with_them(
    scheme: str, also: tuple[str, ...]
) -> None:
    document = document_of(plan_for(scheme, (*also, *VENDORS, "fairplay")))
    root = ElementTree.fromstring(dash.manifest(document))  # noqa: S314 - our own
    for one in root.iterfind(".//m:Representation", NS):
        _, first, second = one.findall("m:ContentProtection", NS)
        assert first.get("schemeIdUri") == f"urn:uuid:{pssh.WIDEVINE}"
        assert base64.b64decode(first.findtext(f"{CENC}pssh", "")) == widevine.pssh(KIDS.values(), scheme)
        assert second.get("schemeIdUri") == f"urn:uuid:{pssh.PLAYREADY}"
        pro = base64.b64decode(second.findtext("{urn:microsoft:playready}pro", ""))
        assert base64.b64decode(second.findtext(f"{CENC}pssh", "")) == playready.pssh(pro)
        keys: dict[str, bytes | None] = dict.fromkeys(KIDS.values())
        assert pro == playready.object_of(playready.header(keys, scheme))
        assert b"CHECKSUM" not in pro.replace(b"\0", b"")  # who writes manifests has no keys
    clear = dash.manifest(document, clear_key=True)
    assert clear == dash.manifest(document_of(plan_for(scheme)), clear_key=True)
    assert pssh.WIDEVINE not in clear


@pytest.mark.parametrize(
    ("scheme", "systems"), [("cenc", VENDORS), ("cbcs", (*VENDORS, "fairplay")), ("cbcs", ("fairplay",))]
)
def test_media_playlists_speak_of_vendors(scheme: str, systems: tuple[str, ...]) -> None:
    document = document_of(plan_for(scheme, ("clearkey", *systems)))
    for name, kid in KID_OF.items():
        playlist = hls.media(document, name)
        lines = [line for line in playlist.splitlines() if "EXT-X-KEY" in line]
        keys: dict[str, bytes | None] = dict.fromkeys(KIDS.values())
        pro = playready.object_of(playready.header(keys, scheme))
        method = {"cenc": "SAMPLE-AES-CTR", "cbcs": "SAMPLE-AES"}[scheme]
        said = {
            "widevine": f'URI="{widevine.hls_uri(widevine.pssh(KIDS.values(), scheme))}",'
            f'KEYFORMAT="urn:uuid:{pssh.WIDEVINE}",KEYFORMATVERSIONS="1",KEYID=0x{kid}',
            "playready": f'URI="{playready.hls_uri(pro)}",KEYFORMAT="com.microsoft.playready",'
            'KEYFORMATVERSIONS="1"',
            "fairplay": f'URI="skd://{UUID(kid)}",KEYFORMAT="com.apple.streamingkeydelivery",'
            'KEYFORMATVERSIONS="1"',
        }
        assert lines == [f"#EXT-X-KEY:METHOD={method},{said[system]}" for system in systems]
        [clear] = [
            line for line in hls.media(document, name, clear_key=True).splitlines() if "EXT-X-KEY" in line
        ]
        assert 'KEYFORMAT="org.w3.clearkey"' in clear


def test_manifests_of_a_film_in_clear_speak_of_no_key() -> None:
    document = document_of(CLEAR)
    assert "ContentProtection" not in dash.manifest(document)
    assert "EXT-X-KEY" not in hls.media(document, "360p")
