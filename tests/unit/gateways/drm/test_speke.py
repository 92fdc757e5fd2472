"""SPEKE 2.0 at the route: what the public verification suite asks, who may ask, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateways.core.app import Service, create_app
from gateways.core.auth import Guard
from gateways.core.deps import CoreDeps
from gateways.core.principal import Principal
from gateways.drm import cpix
from gateways.drm.speke import SPEKE_ROUTES, content_of
from gateways.drm.taking import TAKING, TOPIC, Taking
from schemas.drm import playready, widevine
from schemas.drm.events import CONTENT_KEYS_REQUESTED
from schemas.drm.pssh import FAIRPLAY, PLAYREADY, WIDEVINE, parse
from schemas.identity.roles import ASSETS_WRITE, DRM_PACKAGE
from streams.core.packager_keys import PackagerKeys
from streams.core.vault import CONTENT_KEY, Vault
from tests.support.speke import NAMES, A, B, asking, keys_in, kid_of
from tests.unit.gateways.conftest import Serve
from tests.unit.gateways.world import World

Client = TestClient[web.Request, web.Application]

PRESETS = {
    "VIDEO+AUDIO": ["VIDEO", "AUDIO"],
    "video 3, audio 2": ["SD", "HD", "UHD", "STEREO_AUDIO", "MULTICHANNEL_AUDIO"],
    "video 8, audio 2": ["SD+HD1", "HD2", "UHD1", "UHD2", "STEREO_AUDIO", "MULTICHANNEL_AUDIO"],
    "audio in clear": ["SD", "HD"],
    "video in clear": ["STEREO_AUDIO", "MULTICHANNEL_AUDIO"],
    "one key": ["ALL"],
}
SYSTEMS = [found for n in (1, 2, 3) for found in itertools.combinations((WIDEVINE, PLAYREADY, FAIRPLAY), n)]


class Provider:
    """The route, and who calls it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, body: str | bytes, who: str = "packager", **headers: str) -> tuple[int, str]:
        named = {
            "X-Speke-Version": "2.0",
            "Content-Type": "application/xml",
            "Authorization": f"Bearer {who}",
        }
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        named = {name: value for name, value in named.items() if value}
        answer = await self.client.post("/v1/speke", data=body, headers=named)
        assert answer.headers["Cache-Control"] == "no-store"
        self.headers = answer.headers
        return answer.status, await answer.text()

    async def filled(self, body: str, who: str = "packager") -> ElementTree.Element:
        status, text = await self.ask(body, who)
        assert status == 200, text
        return ElementTree.fromstring(text)  # noqa: S314 - our own answer


class Callers(Guard):
    """Knows API keys by the name of who holds them."""

    async def bearer(self, text: str) -> Principal | None:
        return self.known(text)

    @staticmethod
    def known(text: str) -> Principal | None:
        permissions = {"packager": DRM_PACKAGE, "other-packager": DRM_PACKAGE, "uploader": ASSETS_WRITE}
        if text not in permissions:
            return None
        return Principal(
            subject=text, permissions=frozenset({permissions[text]}), via="key", account_id=text, key_id="k"
        )


@pytest.fixture
async def provider(serve: Serve, core: CoreDeps, guard: Guard, vault: Vault, world: World) -> Provider:
    def prepare(app: web.Application) -> None:
        app[TAKING] = Taking(PackagerKeys(vault), world)

    callers = Callers(admin_key_sha256="", tokens=guard.tokens)
    service = Service(name="drm", routes=SPEKE_ROUTES, prepare=prepare)
    core = CoreDeps(guard=callers, config=core.config, probes={}, modules_folder=core.modules_folder)
    return Provider(await serve(create_app(service, core)))


@pytest.mark.parametrize("period", [True, False], ids=["general", "vod"])
@pytest.mark.parametrize("tracks", PRESETS.values(), ids=PRESETS)
@pytest.mark.parametrize("systems", SYSTEMS, ids=[str(len(each)) for each in SYSTEMS])
async def test_every_preset_with_every_choice_of_systems(
    provider: Provider, systems: tuple[str, ...], tracks: list[str], period: bool
) -> None:
    scheme = "cbcs" if FAIRPLAY in systems else "cenc"
    asked = asking(tracks, systems, scheme, period=period)
    document = await provider.filled(asked)
    assert provider.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert provider.headers["X-Speke-Version"] == "2.0"
    assert provider.headers["X-Speke-User-Agent"]
    assert document.attrib == {"contentId": "a film", "version": "2.3"}
    keys = keys_in(document)
    assert list(keys) == [kid_of(n) for n in range(len(tracks))]
    assert {len(key) for key in keys.values()} == {16}
    assert len(set(keys.values())) == len(tracks)
    for key in document.iterfind(".//c:ContentKey", NAMES):
        assert key.attrib["commonEncryptionScheme"] == scheme
        assert ("explicitIV" in key.attrib) == (scheme == "cbcs")
    found = document.findall("c:DRMSystemList/c:DRMSystem", NAMES)
    assert len(found) == len(systems) * len(tracks)
    for element in found:
        system, pssh = element.attrib["systemId"], element.findtext("c:PSSH", None, NAMES)
        signs = {each.attrib["playlist"]: each for each in element.iterfind("c:HLSSignalingData", NAMES)}
        lines = {name: base64.b64decode(each.text or "").decode() for name, each in signs.items()}
        assert lines["media"].startswith("#EXT-X-KEY:METHOD=SAMPLE-AES")
        assert lines["master"] == lines["media"].replace("#EXT-X-KEY", "#EXT-X-SESSION-KEY")
        if system == FAIRPLAY:
            assert (pssh, element.find("c:ContentProtectionData", NAMES)) == (None, None)
            assert 'KEYFORMAT="com.apple.streamingkeydelivery"' in lines["media"]
            continue
        assert pssh is not None
        [box] = parse(base64.b64decode(pssh))
        assert box.system == system
        dash = base64.b64decode(element.findtext("c:ContentProtectionData", "", NAMES)).decode()
        inner = ElementTree.fromstring(f"<cpd>{dash}</cpd>")  # noqa: S314 - our own
        assert inner.findtext("{urn:mpeg:cenc:2013}pssh") == pssh
    rules = document.findall("c:ContentKeyUsageRuleList/c:ContentKeyUsageRule", NAMES)
    assert [rule.attrib["intendedTrackType"] for rule in rules] == tracks
    assert len(document.findall(".//c:KeyPeriodFilter", NAMES)) == (len(tracks) if period else 0)


async def test_the_bytes_are_those_of_the_signalling(provider: Provider) -> None:
    document = await provider.filled(asking(["ALL"], (WIDEVINE, PLAYREADY)))
    [key], kid = keys_in(document).values(), A.replace("-", "")
    boxes = [base64.b64decode(each.text or "") for each in document.iterfind(".//c:PSSH", NAMES)]
    assert boxes[0] == widevine.pssh([kid], "cenc", content_id=b"a film")
    assert boxes[1] == playready.pssh(playready.object_of(playready.header({kid: key}, "cenc")))


async def test_asking_again_gives_the_same_keys_and_another_film_or_account_others(
    provider: Provider,
) -> None:
    first = keys_in(await provider.filled(asking(scheme="cbcs")))
    again = await provider.filled(asking(scheme="cbcs"))
    assert keys_in(again) == first
    vectors = [key.attrib["explicitIV"] for key in again.iterfind(".//c:ContentKey", NAMES)]
    assert len(set(vectors)) == 2
    for body, who in (
        (asking(scheme="cbcs", content="b"), "packager"),
        (asking(scheme="cbcs"), "other-packager"),
    ):
        other = keys_in(await provider.filled(body, who))
        assert set(first.values()).isdisjoint(other.values())


async def test_of_many_who_ask_at_once_all_get_the_same_keys(provider: Provider) -> None:
    answers = await asyncio.gather(*(provider.filled(asking()) for _ in range(8)))
    assert len({tuple(keys_in(each).items()) for each in answers}) == 1


async def test_the_vectors_that_a_packager_names_stay(provider: Provider) -> None:
    body = asking(["ALL"], (FAIRPLAY,), "cbcs").replace(
        f'Key kid="{A}"', f'Key kid="{A}" explicitIV="bm90IG91cnM="'
    )
    [key] = (await provider.filled(body)).iterfind(".//c:ContentKey", NAMES)
    assert key.attrib["explicitIV"] == "bm90IG91cnM="


async def test_keys_stand_in_the_vault_alone_and_sealed(provider: Provider, vault: Vault) -> None:
    keys = keys_in(await provider.filled(asking(["ALL"])))
    [entry] = await vault.entries(CONTENT_KEY)
    assert entry.endswith(f"|{A.replace('-', '')}|cenc|1")
    assert await vault.get(CONTENT_KEY, entry) == keys[A]
    raw = await vault.redis.hget(f"e:{CONTENT_KEY}:{entry}", "v")  # type: ignore[misc]
    assert keys[A] not in raw


@pytest.mark.parametrize(("who", "status"), [("", 401), ("stranger", 401), ("uploader", 403)])
async def test_only_who_may_package_gets_keys(
    provider: Provider, vault: Vault, who: str, status: int
) -> None:
    headers = {} if who else {"Authorization": ""}
    assert (await provider.ask(asking(), who, **headers))[0] == status
    assert await vault.entries(CONTENT_KEY) == []


def without(part: str) -> Callable[[str], str]:
    """The request with every element of that name taken out."""

    def edit(body: str) -> str:
        root = ElementTree.fromstring(body)  # noqa: S314 - our own
        for parent in list(root.iter()):
            for child in parent.findall(f"c:{part}", NAMES):
                parent.remove(child)
        return ElementTree.tostring(root).decode()

    return edit


def swapped(old: str, new: str, count: int = -1) -> Callable[[str], str]:
    return lambda body: body.replace(old, new, count)


REFUSED: dict[str, tuple[Callable[[str], str], str]] = {
    "no body": (lambda body: "", "no well-formed XML"),
    "no xml": (lambda body: "{}", "no well-formed XML"),
    "cut": (lambda body: body[:-5], "no well-formed XML"),
    "another root": (lambda body: "<CPIX/>", "root must be CPIX"),
    "an older version": (swapped('version="2.3"', 'version="2.2"'), "CPIX@version must be 2.3"),
    "no version": (swapped(' version="2.3"', ""), "CPIX@version"),
    "no content": (swapped('contentId="a film"', 'contentId=""'), "CPIX@contentId"),
    "much content": (swapped("a film", "a" * 257), "CPIX@contentId"),
    "no ContentKeyList": (without("ContentKeyList"), "one ContentKeyList"),
    "no DRMSystemList": (without("DRMSystemList"), "one DRMSystemList"),
    "no ContentKeyUsageRuleList": (without("ContentKeyUsageRuleList"), "one ContentKeyUsageRuleList"),
    "no ContentKey": (without("ContentKey"), "with a ContentKey or more"),
    "no DRMSystem": (without("DRMSystem"), "with a DRMSystem or more"),
    "no ContentKeyUsageRule": (without("ContentKeyUsageRule"), "with a ContentKeyUsageRule or more"),
    "no filters": (lambda body: without("AudioFilter")(without("VideoFilter")(body)), "VideoFilter or"),
    "no kid": (swapped(f'ContentKey kid="{A}"', "ContentKey"), "ContentKey needs @kid"),
    "a kid in braces": (swapped(A, "{" + A + "}"), "ContentKey needs @kid, a UUID"),
    "no scheme": (swapped(' commonEncryptionScheme="cenc"', ""), "commonEncryptionScheme must be one of"),
    "schemes that differ": (swapped('"cenc"', '"cbcs"', 1), "have one @commonEncryptionScheme"),
    "an old scheme": (swapped('"cenc"', '"cens"'), "must be one of cenc, cbcs"),
    "no system": (swapped(f' systemId="{WIDEVINE}"', ""), "DRMSystem@systemId must be one of"),
    "an unknown system": (swapped(WIDEVINE, A), "DRMSystem@systemId must be one of"),
    "FairPlay with cenc": (swapped(WIDEVINE, FAIRPLAY), "FairPlay takes the encryption scheme cbcs only"),
    "a system's unknown kid": (swapped(f'DRMSystem kid="{A}"', f'DRMSystem kid="{kid_of(2)}"'), "names no"),
    "a system twice": (swapped(f'DRMSystem kid="{B}"', f'DRMSystem kid="{A}"'), "same @kid and @systemId"),
    "a key twice": (swapped(B, A), "Two ContentKeys have the same @kid"),
    "a rule's unknown kid": (swapped(f'Rule kid="{A}"', f'Rule kid="{kid_of(2)}"'), "names no ContentKey"),
    "a rule for nothing": (swapped(' intendedTrackType="VIDEO"', ""), "needs @intendedTrackType"),
    "ALL beside others": (swapped('"VIDEO"', '"ALL"'), "A rule for ALL tracks stands alone"),
    "a strange playlist": (swapped('playlist="media"', 'playlist="other"'), "media or master"),
    "a playlist twice": (swapped('playlist="media"', 'playlist="master"'), "each once"),
    "keys for a recipient": (
        swapped("<c:ContentKeyList>", "<c:DeliveryDataList/><c:ContentKeyList>"), "DeliveryDataList"),
    "keys elsewhere too": (
        swapped("<c:DRMSystemList>", f'<c:DRMSystemList><c:ContentKey kid="{kid_of(3)}"/>'), "stands in the"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "sentence"), REFUSED.values(), ids=REFUSED)
async def test_what_is_wrong_is_named_and_makes_no_key(
    provider: Provider, vault: Vault, edit: Callable[[str], str], sentence: str
) -> None:
    body = edit(asking())
    assert body != asking()
    status, text = await provider.ask(body)
    assert (status, sentence in text) == (422, True), text
    assert provider.headers["X-Speke-Version"] == "2.0"
    assert await vault.entries(CONTENT_KEY) == []


SECRET_FILE = "a file of the server that nobody asked for"
BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(12))
ATTACKS = {
    "a bomb of entities": f"<!DOCTYPE c [{BOMB}]>",
    "an external entity": '<!DOCTYPE c [<!ENTITY e0 SYSTEM "file://{file}">]>',
    "a parameter entity": '<!DOCTYPE c [<!ENTITY % e SYSTEM "file://{file}"> %e;]>',
    "an external document type": '<!DOCTYPE c SYSTEM "http://127.0.0.1:{port}/dtd">',
    "a document type in two": "<!<!--DOCTYPE c [<!ENTITY e0 'x'>]>",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-8-sig"])
async def test_entities_and_document_types_are_refused_unopened(
    provider: Provider, vault: Vault, tmp_path_factory: pytest.TempPathFactory, attack: str, coding: str
) -> None:
    file = tmp_path_factory.mktemp("secret") / "file"
    file.write_text(SECRET_FILE)
    asked: list[int] = []

    async def listening(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        writer.close()

    listener = await asyncio.start_server(listening, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    told = attack.replace("{file}", str(file)).replace("{port}", str(port))
    head, body = asking().replace("UTF-8", coding).split("?>")
    body = body.replace("a film", "&e0;").replace("<c:PSSH/>", "<c:PSSH>&e0;</c:PSSH>")
    status, text = await provider.ask(f"{head}?>{told}{body}".encode(coding))
    listener.close()
    assert status == 422, text
    assert SECRET_FILE not in text
    assert "haha" not in text
    assert asked == []
    assert await vault.entries(CONTENT_KEY) == []


async def test_what_claims_another_encoding_is_read_as_what_was_looked_through(provider: Provider) -> None:
    status, text = await provider.ask(asking().replace("UTF-8", "UTF-16").encode())
    assert status == 200, text
    hidden = "+ADwAIQ-DOCTYPE c+AD4-"  # a document type in UTF-7
    status, _ = await provider.ask(asking().replace("UTF-8", "UTF-7").replace("?>", f"?>{hidden}").encode())
    assert status == 422


async def test_too_much_is_refused(provider: Provider, vault: Vault) -> None:
    large = asking().replace("<c:PSSH/>", f"<c:PSSH>{'A' * cpix.MOST_BYTES}</c:PSSH>")
    assert (await provider.ask(large))[0] == 413
    deep = asking().replace("<c:PSSH/>", "<c:PSSH>" + "<x>" * 5_000 + "</x>" * 5_000 + "</c:PSSH>", 1)
    assert (await provider.ask(deep))[0] == 422
    many = asking().replace(
        "<c:ContentKeyList>",
        "<c:ContentKeyList>"
        + "".join(
            f'<c:ContentKey kid="00000000-0000-4000-9000-{n:012x}" commonEncryptionScheme="cenc"/>'
            for n in range(cpix.MOST_KEYS)
        ),
    )
    status, text = await provider.ask(many)
    assert (status, f"At most {cpix.MOST_KEYS} keys" in text) == (422, True)
    assert await vault.entries(CONTENT_KEY) == []


async def test_other_types_and_versions_are_refused(provider: Provider) -> None:
    assert (await provider.ask(asking(), Content_Type="application/json"))[0] == 415
    for version in ("1.0", ""):
        status, text = await provider.ask(asking(), X_Speke_Version=version)
        assert (status, "Send X-Speke-Version: 2.0" in text) == (422, True)


async def test_a_key_id_has_one_key_whatever_the_scheme(provider: Provider, vault: Vault) -> None:
    await provider.filled(asking())
    status, text = await provider.ask(asking(scheme="cbcs"))
    assert (status, "in use with cenc: take new ones for cbcs" in text) == (422, True)
    assert len(await vault.entries(CONTENT_KEY)) == 2


async def test_of_two_schemes_at_the_same_moment_one_is_refused(provider: Provider, vault: Vault) -> None:
    asked = [provider.ask(asking(scheme=scheme)) for scheme in ("cenc", "cbcs", "cenc", "cbcs")]
    statuses = [status for status, _ in await asyncio.gather(*asked)]
    assert sorted(statuses) == [200, 200, 422, 422]
    assert statuses[0] == statuses[2]
    assert len(await vault.entries(CONTENT_KEY)) == 2


async def test_keys_leave_once_the_log_says_who_takes_them(provider: Provider, world: World) -> None:
    keys = keys_in(await provider.filled(asking()))
    [event] = world.published
    found = Callers.known("packager")
    assert found is not None
    assert (event.topic, event.key, event.type) == (TOPIC, event.data["content_id"], CONTENT_KEYS_REQUESTED)
    assert event.data == {
        "content_id": content_of(found, "a film"),
        "actor": "packager",
        "key_id": "k",
        "protocol": "speke",
        "scheme": "cenc",
        "kids": [kid.replace("-", "") for kid in keys],
    }
    world.broken = True
    status, text = await provider.ask(asking())
    assert status == 503
    assert not any(base64.b64encode(key).decode() in text for key in keys.values())
