"""Widevine's key API at the route: the published test signer, the same keys again, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateways.core.app import Service, create_app
from gateways.core.deps import CoreDeps
from gateways.drm.packaging import PACKAGING_ROUTES
from gateways.drm.taking import TAKING, Taking
from gateways.drm.widevine_keys import MOST_BYTES, SIGNERS
from schemas.drm import widevine
from schemas.drm.widevine_signature import sign, signed
from streams.core.gate_settings import WidevineSigner
from streams.core.packager_keys import PackagerKeys
from streams.core.vault import CONTENT_KEY, Vault
from tests.unit.gateways.conftest import Serve
from tests.unit.gateways.world import World

Client = TestClient[web.Request, web.Application]
# Google's published test signer.
TEST_SIGNER = {
    "key": "1ae8ccd0e7985cc0b6203a55855a1034afc252980e970ca90e5202689f947ab9",
    "iv": "d58ce954203b7c9a9a9d467f59839249",
}
KEY, IV = (bytes.fromhex(text) for text in TEST_SIGNER.values())
OTHER = {"key": "00" * 16, "iv": "11" * 16}
# What Shaka Packager 3.8.0 sent with that signer.
PACKAGER_REQUEST = (
    b'{"content_id":"ZmlsbQ==","policy":"","tracks":[{"type":"SD"},{"type":"HD"},{"type":"UHD1"},{"type":"UHD2"'
    b'},{"type":"AUDIO"}],"drm_types":["WIDEVINE"],"protection_scheme":"CENC"}'
)
PACKAGER_SIGNATURE = base64.b64decode("0l7djHNtPYHftKVWm+LfFfMoakRiE4Cs16w5YePuA+o=")


def asking(**changed: object) -> dict[str, Any]:
    asked = json.loads(PACKAGER_REQUEST) | changed
    return {name: value for name, value in asked.items() if value is not None}


def body(asked: object, *, signer: str = "widevine_test", key: bytes = KEY, iv: bytes = IV) -> str:
    message = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    sent = {"request": _base64(message), "signature": _base64(sign(message, key, iv)), "signer": signer}
    return json.dumps(sent)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.fixture
async def client(serve: Serve, core: CoreDeps, vault: Vault, world: World) -> Client:
    def prepare(app: web.Application) -> None:
        app[TAKING] = Taking(PackagerKeys(vault), world)
        app[SIGNERS] = {
            "widevine_test": WidevineSigner.model_validate(TEST_SIGNER),
            "other": WidevineSigner.model_validate(OTHER),
        }

    return await serve(create_app(Service(name="drm", routes=PACKAGING_ROUTES, prepare=prepare), core))


async def post(client: Client, sent: str | bytes) -> tuple[int, dict[str, Any]]:
    answer = await client.post("/v1/widevine/keys", data=sent, headers={"Content-Type": "application/json"})
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status, await answer.json(content_type=None)


async def tracks_of(client: Client, sent: str) -> list[dict[str, Any]]:
    status, answer = await post(client, sent)
    assert status == 200, answer
    said = json.loads(base64.b64decode(answer["response"]))
    assert said["status"] == "OK"
    assert said["drm"] == [{"type": "WIDEVINE", "system_id": "7e+LqXnWSs6jyCfc1R0h7Q=="}]
    return list(said["tracks"])


def test_the_packagers_signature_is_ours_and_zeros_as_padding_are_taken_too() -> None:
    assert sign(PACKAGER_REQUEST, KEY, IV) == PACKAGER_SIGNATURE
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(IV)).encryptor()
    zeros = encryptor.update(hashlib.sha1(PACKAGER_REQUEST).digest() + bytes(12))  # noqa: S324 - the protocol's
    assert signed(PACKAGER_REQUEST, zeros, KEY, IV)
    for wrong in (b"", zeros[:31], zeros[:-1] + b"x", PACKAGER_SIGNATURE[:16] * 2):
        assert not signed(PACKAGER_REQUEST, wrong, KEY, IV)
    assert not signed(PACKAGER_REQUEST + b" ", PACKAGER_SIGNATURE, KEY, IV)


async def test_the_packagers_request_gets_a_key_for_each_track(
    client: Client, vault: Vault, world: World
) -> None:
    tracks = await tracks_of(client, body(PACKAGER_REQUEST))
    [event] = world.published
    assert (event.data["actor"], event.data["protocol"]) == ("signer:widevine_test", "widevine")
    assert event.data["kids"] == [base64.b64decode(track["key_id"]).hex() for track in tracks]
    assert [track["type"] for track in tracks] == ["SD", "HD", "UHD1", "UHD2", "AUDIO"]
    for part in ("key", "key_id"):
        assert {len(base64.b64decode(track[part])) for track in tracks} == {16}
        assert len({track[part] for track in tracks}) == 5
    for track in tracks:
        kid = base64.b64decode(track["key_id"]).hex()
        [box] = track["pssh"]
        assert base64.b64decode(box["data"]) == widevine.data([kid], "cenc", content_id=b"film")
    assert len(await vault.entries(CONTENT_KEY)) == 5
    assert await tracks_of(client, body(PACKAGER_REQUEST)) == tracks


async def test_other_films_schemes_signers_and_periods_have_other_keys(client: Client) -> None:
    sent = [
        body(asking()),
        body(asking(content_id="b3RoZXI=")),
        body(asking(protection_scheme="CBCS")),
        body(asking(), signer="other", key=bytes(16), iv=b"\x11" * 16),
        body(asking(first_crypto_period_index=0, crypto_period_count=2)),
        body(asking(first_crypto_period_index=2, crypto_period_count=2)),
    ]
    answers = [await tracks_of(client, each) for each in sent]
    keys = [track["key"] for tracks in answers for track in tracks]
    assert len(set(keys)) == len(keys) == 4 * 5 + 2 * 10
    assert [track["crypto_period_index"] for track in answers[5]] == [2] * 5 + [3] * 5
    overlapping = await tracks_of(client, body(asking(first_crypto_period_index=1, crypto_period_count=2)))
    assert overlapping == answers[4][5:] + answers[5][:5]


def resigned(edit: Callable[[dict[str, Any]], None]) -> Callable[[], str]:
    def make() -> str:
        sent = json.loads(body(asking()))
        edit(sent)
        return json.dumps(sent)

    return make


REFUSED: dict[str, tuple[Callable[[], str | bytes], int, str]] = {
    "no json": (lambda: "<x/>", 422, "Send {"),
    "nothing": (lambda: "", 422, "Send {"),
    "a list": (lambda: "[]", 422, "Send {"),
    "no signature": (resigned(lambda sent: sent.pop("signature")), 422, "Send {"),
    "no base64": (resigned(lambda sent: sent.update(request="%%%")), 422, "Send {"),
    "an empty signature": (resigned(lambda sent: sent.update(signature="")), 401, "does not fit"),
    "another's request": (resigned(lambda sent: sent.update(request="e30=")), 401, "does not fit"),
    "another's name": (resigned(lambda sent: sent.update(signer="other")), 401, "does not fit"),
    "an unknown signer": (resigned(lambda sent: sent.update(signer="nobody")), 401, "does not fit"),
    "nobody's key": (lambda: body(asking(), signer="me", key=bytes(32), iv=bytes(16)), 401, "does not fit"),
    "signed noise": (lambda: body(b"\xff\x00"), 422, "The signed request: request: Invalid JSON"),
    "no content": (lambda: body(asking(content_id=None)), 422, "content_id: Field required"),
    "empty content": (lambda: body(asking(content_id="")), 422, "content_id"),
    "content of another type": (lambda: body(asking(content_id=5)), 422, "it must be base64"),
    "no tracks": (lambda: body(asking(tracks=[])), 422, "tracks"),
    "unknown tracks": (lambda: body(asking(tracks=[{"type": "8K"}])), 422, "tracks.0.type"),
    "another system": (lambda: body(asking(drm_types=["PLAYREADY"])), 422, "drm_types.0"),
    "another scheme": (lambda: body(asking(protection_scheme="CENS")), 422, "protection_scheme"),
    "many periods": (lambda: body(asking(crypto_period_count=17)), 422, "crypto_period_count"),
    "much": (lambda: body(asking(content_id="A" * MOST_BYTES)), 413, ""),
}  # fmt: skip


@pytest.mark.parametrize(("make", "status", "sentence"), REFUSED.values(), ids=REFUSED)
async def test_what_is_refused_makes_no_key(
    client: Client, vault: Vault, make: Callable[[], str | bytes], status: int, sentence: str
) -> None:
    found, answer = await post(client, make())
    assert found == status, answer
    assert sentence in answer["detail"]
    assert await vault.entries(CONTENT_KEY) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "00" * 15, "iv": "00" * 16},
        {"key": "00" * 16, "iv": "00"},
        {"key": "xx" * 16, "iv": "00" * 16},
    ],
)
def test_a_signer_has_a_key_and_a_vector_of_the_right_length(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"must be hexadecimal|must have 16 or 32 bytes"):
        WidevineSigner.model_validate(wrong)
