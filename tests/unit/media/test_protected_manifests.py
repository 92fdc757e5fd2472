"""What manifests say of a protected film: which key is whose, and nothing about films in clear."""

from __future__ import annotations

import base64
from typing import cast
from uuid import UUID
from xml.etree import ElementTree

import pytest

from gateways.media.manifests import dash, hls
from schemas.drm import pssh
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


def plan_for(scheme: str) -> Plan:
    named = [{"label": label, "kid": kid} for label, kid in KIDS.items()]
    protection = {"scheme": scheme, "systems": ["clearkey"], "policy_id": "default", "version": 1}
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


def test_manifests_of_a_film_in_clear_speak_of_no_key() -> None:
    document = document_of(CLEAR)
    assert "ContentProtection" not in dash.manifest(document)
    assert "EXT-X-KEY" not in hls.media(document, "360p")
