"""Licences that servers elsewhere make: what these are told, and that nothing leaves without a grant."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from redis.asyncio import Redis

from gateways.core.deps import CoreDeps
from gateways.core.push import Hub
from gateways.drm.relays import RELAY_ROUTES
from gateways.drm.requesting import HEADER
from gateways.drm.servers import SERVERS, Servers, servers
from gateways.drm.upstream import MOST_BYTES, Upstream
from schemas.drm.views import ENFORCEABLE
from schemas.drm.widevine_signature import sign
from streams.core.content_keys import constant_iv
from streams.core.licence_settings import FairPlayLicences, PlayReadyLicences, WidevineLicences
from streams.core.settings import Settings, SettingsError
from streams.core.vault import Vault
from tests.support.challenges import (
    CERTIFICATE_REQUEST,
    playready_request,
    widevine_renewal,
    widevine_request,
)
from tests.unit.gateways.conftest import BEARER, Serve
from tests.unit.gateways.drm.conftest import FILM, Cinema, opened
from tests.unit.gateways.drm.licence_server import (
    ANSWER,
    IV,
    KEY,
    PROVIDER,
    SECRET,
    LicenceServer,
    signature_fits,
)

SYSTEMS = ("widevine", "playready", "fairplay")
TYPES = {
    "widevine": "application/octet-stream",
    "playready": "text/xml",
    "fairplay": "application/octet-stream",
}
START_S = 1_800_000_000.0  # of the world's log
CERTIFICATE = b"a certificate"
SPC = b"an opaque SPC"
KEPT = tuple(rule for rule in ENFORCEABLE if rule != "renew_every_s")


@dataclass
class Relay:
    """The service, and the licence servers behind it."""

    cinema: Cinema
    server: LicenceServer
    certificate: Path
    now_s: list[float] = field(default_factory=list)

    async def ask(self, system: str, challenge: bytes, query: str = "") -> tuple[int, bytes]:
        """With a token of its own."""
        token = (await self.cinema.ask_token())["token"]
        return await self.send(system, challenge, token, query)

    async def send(self, system: str, challenge: bytes, token: str, query: str = "") -> tuple[int, bytes]:
        if system == "fairplay" and not query:
            query = f"?kid={UUID(self.kid)}"
        answer = await self.cinema.client.post(
            f"/v1/licences/{system}{query}",
            data=challenge,
            headers={HEADER: token, "Content-Type": TYPES[system]},
        )
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, await answer.read()

    async def code(self, system: str, challenge: bytes, query: str = "") -> tuple[int, str]:
        status, body = await self.ask(system, challenge, query)
        problem = json.loads(body)
        return status, problem.get("code", problem["type"].rpartition(":")[2])

    def challenge(self, system: str) -> bytes:
        if system == "widevine":
            return widevine_request(self.cinema.kids)
        return playready_request(self.cinema.keys, "cbcs") if system == "playready" else SPC

    @property
    def kid(self) -> str:
        return self.cinema.kids[1]


@pytest.fixture
async def relay(
    serve: Serve, core: CoreDeps, redis: Redis, hub: Hub, vault: Vault, tmp_path: Path
) -> AsyncIterator[Relay]:
    server = LicenceServer()
    async with TestServer(server.app) as running:
        certificate = tmp_path / "fairplay.der"
        certificate.write_bytes(CERTIFICATE)
        at = {system: str(running.make_url(f"/{system}")) for system in SYSTEMS}
        made = servers(
            Settings(
                widevine_licences=WidevineLicences.model_validate(
                    {"url": at["widevine"], "provider": PROVIDER, "key": KEY, "iv": IV}
                ),
                playready_licences=PlayReadyLicences.model_validate(
                    {"url": at["playready"], "secret": SECRET, "enforces": KEPT}
                ),
                fairplay_licences=FairPlayLicences.model_validate(
                    {
                        "url": at["fairplay"], "secret": SECRET, "enforces": KEPT,
                        "certificate_file": certificate,
                    }
                ),
            ),
            Upstream(patience_s=1.0),
        )  # fmt: skip
        now_s = [START_S]
        made = dataclasses.replace(made, clock=lambda: now_s[0])
        yield Relay(await _opened(made, serve, core, redis, hub, vault), server, certificate, now_s)
        await made.close()


async def _opened(
    made: Servers, serve: Serve, core: CoreDeps, redis: Redis, hub: Hub, vault: Vault
) -> Cinema:
    def also(app: web.Application) -> None:
        app[SERVERS] = made

    return await opened(
        serve, core, redis, hub, vault, routes=RELAY_ROUTES, scheme="cbcs", systems=SYSTEMS, also=also
    )


async def test_widevines_server_gets_a_signed_request_with_keys_and_policy(relay: Relay) -> None:
    challenge = relay.challenge("widevine")
    status, licence = await relay.ask("widevine", challenge)
    assert (status, licence) == (200, b"licence for " + hashlib.sha256(challenge).digest())
    assert relay.cinema.world.names() == ["LicenceRequested"]
    [said] = relay.server.said
    assert base64.b64decode(said["payload"]) == challenge
    assert base64.b64decode(said["content_id"]) == FILM.encode()
    assert said["allowed_track_types"] == "SD_ONLY"
    given = {
        base64.b64decode(s["key_id"]).hex(): base64.b64decode(s["key"]) for s in said["content_key_specs"]
    }
    assert given == relay.cinema.keys
    assert [spec["track_type"] for spec in said["content_key_specs"]] == ["AUDIO", "SD"]
    for spec in said["content_key_specs"]:
        assert spec["required_output_protection"] == {"hdcp": "HDCP_NONE"}
        assert spec["security_level"] == 1
    assert said["policy_overrides"] == {"can_play": True, "can_persist": False, "can_renew": False}
    logged = json.dumps([event.data for event in relay.cinema.world.published])
    assert not any(key.hex() in logged for key in relay.cinema.keys.values())


async def test_what_widevine_enforces_stands_in_the_request(relay: Relay) -> None:
    await relay.cinema.world.say_policy(
        "strict", licence_s=600, playback_s=300, renew_every_s=60, offline=True, min_security_level=3,
        hdcp={"sd": "HDCP_V2_2", "audio": "HDCP_V1"},
    )  # fmt: skip
    await relay.cinema.world.say_of_film(policy="strict")
    challenge = widevine_request(relay.cinema.kids, offline=True, boxed=True)
    assert (await relay.ask("widevine", challenge))[0] == 200
    [said] = relay.server.said
    specs = {spec["track_type"]: spec for spec in said["content_key_specs"]}
    assert {spec["security_level"] for spec in specs.values()} == {3}
    assert specs["SD"]["required_output_protection"]["hdcp"] == "HDCP_V2_2"
    assert specs["AUDIO"]["required_output_protection"]["hdcp"] == "HDCP_V1"
    overrides = said["policy_overrides"]
    assert overrides == {
        "can_play": True, "can_persist": True, "can_renew": True, "license_duration_seconds": 600,
        "playback_duration_seconds": 300,
        "renewal_delay_seconds": 60, "renewal_retry_interval_seconds": 5,
        "renewal_recovery_duration_seconds": 30,
    }  # fmt: skip
    relay.now_s[0] += 600  # what has ended would never end, by the protocol's 0
    assert await relay.code("widevine", challenge) == (403, "too_late")


async def test_a_certificate_and_a_renewal(relay: Relay) -> None:
    token = (await relay.cinema.ask_token())["token"]
    assert (await relay.send("widevine", CERTIFICATE_REQUEST, token))[0] == 200
    assert relay.cinema.world.names() == []  # no licence, so the token is as good as before
    assert "content_key_specs" not in relay.server.said[0]
    assert (await relay.send("widevine", relay.challenge("widevine"), token))[0] == 200
    assert (await relay.ask("widevine", widevine_renewal()))[0] == 200
    assert len(relay.server.said[2]["content_key_specs"]) == 2
    assert (await relay.send("widevine", CERTIFICATE_REQUEST, "x"))[0] == 401


@pytest.mark.parametrize("padding", [bytes([12] * 12), bytes(12)])
def test_the_server_takes_both_paddings_and_no_other_signature(padding: bytes) -> None:
    digest = hashlib.sha1(b"message", usedforsecurity=False).digest()
    encryptor = Cipher(algorithms.AES(bytes.fromhex(KEY)), modes.CBC(bytes.fromhex(IV))).encryptor()
    assert signature_fits(b"message", encryptor.update(digest + padding) + encryptor.finalize())
    assert not signature_fits(b"message", sign(b"massage", bytes.fromhex(KEY), bytes.fromhex(IV)))


async def test_playreadys_server_gets_the_challenge_with_a_sealed_entitlement(relay: Relay) -> None:
    await relay.cinema.world.say_policy(
        "strict", licence_s=600, playback_s=300, min_security_level=3, hdcp={"sd": "HDCP_V2_2"}
    )
    await relay.cinema.world.say_of_film(policy="strict")
    assert await relay.ask("playready", relay.challenge("playready")) == (200, ANSWER)
    [told] = relay.server.said
    assert {UUID(key["kid"]).hex: base64.b64decode(key["key"]) for key in told["keys"]} == relay.cinema.keys
    assert {key["label"]: key["hdcp"] for key in told["keys"]} == {"audio": None, "sd": "HDCP_V2_2"}
    assert (told["asset_id"], told["system"], told["scheme"]) == (FILM, "playready", "cbcs")
    assert (told["playback_s"], told["offline"], told["security_level"]) == (300, False, 3000)
    assert told["expires_at_ms"] > told["iat"] * 1000


async def test_playready_keys_of_the_film_only(relay: Relay) -> None:
    foreign = "ab" * 16
    mixed = {relay.cinema.kids[0]: bytes(16), foreign: bytes(16)}
    assert (await relay.ask("playready", playready_request(mixed, "cbcs")))[0] == 200
    assert [UUID(key["kid"]).hex for key in relay.server.said[0]["keys"]] == relay.cinema.kids[:1]
    only_foreign = playready_request({foreign: bytes(16)})
    assert await relay.code("playready", only_foreign) == (403, "no_such_key")
    assert await relay.code("widevine", widevine_request([foreign])) == (403, "no_such_key")
    assert await relay.code("fairplay", SPC, f"?kid={UUID(foreign)}") == (403, "no_such_key")
    assert len(relay.server.said) == 1


async def test_fairplays_module_gets_the_spc_with_one_key_and_its_vector(relay: Relay) -> None:
    assert await relay.ask("fairplay", SPC) == (200, b"ckc for " + SPC)
    [told] = relay.server.said
    key = relay.cinema.keys[relay.kid]
    [said] = told["keys"]
    assert (UUID(said["kid"]).hex, base64.b64decode(said["key"])) == (relay.kid, key)
    assert base64.b64decode(said["iv"]) == constant_iv(key)
    answer = await relay.cinema.client.get("/v1/fairplay/certificate")
    assert (answer.status, await answer.read()) == (200, CERTIFICATE)
    relay.certificate.unlink()
    answer = await relay.cinema.client.get("/v1/fairplay/certificate")
    assert (answer.status, (await answer.json())["code"]) == (503, "not_configured")


async def test_one_token_gives_one_key_of_fairplay(relay: Relay) -> None:
    token = (await relay.cinema.ask_token())["token"]
    first = await relay.send("fairplay", SPC, token)
    assert first == await relay.send("fairplay", SPC, token)
    status, body = await relay.send("fairplay", SPC, token, f"?kid={UUID(relay.cinema.kids[0])}")
    assert (status, json.loads(body)["code"]) == (403, "token_used")


ENVELOPE = playready_request({"ab" * 16: bytes(16)}).decode()
BILLION = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("system", "challenge", "reason"),
    [
        ("widevine", b"", "no request of a Widevine player"),
        ("widevine", b"<xml/>", "no request of a Widevine player"),
        ("widevine", b"\x08\x01\x12\xff\xff\xff\xff\x0f", "no request of a Widevine player"),
        ("widevine", widevine_request(["ab" * 15]), "no request of a Widevine player"),
        ("playready", b"", "no well-formed XML"),
        ("playready", b"\xff\xfe", "must be UTF-8"),
        ("playready", b"<x/>", "no AcquireLicense"),
        ("playready", ENVELOPE[:-9].encode(), "no well-formed XML"),
        ("playready", (BILLION + ENVELOPE.partition("?>")[2]).encode(), "no document type"),
        ("playready", (EXTERNAL + ENVELOPE.partition("?>")[2]).encode(), "no document type"),
        ("playready", ENVELOPE.replace("<EncryptedData>", "<a/>" * 2000 + "<EncryptedData>").encode(),
         "more than 2000 elements"),
        ("playready", playready_request({}, header="<x/>"), "no WRMHEADER"),
        ("playready", ENVELOPE.replace("<KID>", "<KID>AAAA").encode(), "a GUID of 16 bytes"),
        ("fairplay", b"", "Send the player's SPC"),
    ],
)  # fmt: skip
async def test_malformed_requests_are_refused_with_a_reason(
    relay: Relay, system: str, challenge: bytes, reason: str
) -> None:
    status, body = await relay.ask(system, challenge)
    assert (status, reason in json.loads(body)["detail"]) == (422, True), body
    assert (relay.cinema.world.published, relay.server.said) == ([], [])


@pytest.mark.parametrize("system", SYSTEMS)
async def test_nothing_is_passed_on_without_a_grant(relay: Relay, system: str) -> None:
    challenge = relay.challenge(system)
    assert (await relay.send(system, challenge, "no token"))[0] == 401
    assert (await relay.send(system, b"x" * 200_000, "no token"))[0] == 413
    await relay.cinema.world.say_of_film("rental")
    assert await relay.code(system, challenge) == (403, "no_right")
    await relay.cinema.world.say_of_film(stopped=True)
    assert await relay.code(system, challenge) == (403, "asset_stopped")
    await relay.cinema.world.say_of_film()
    relay.cinema.world.paused = True
    assert (await relay.ask(system, challenge))[0] == 503
    assert relay.server.said == []


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_server_that_is_late_or_odd_gives_no_licence(relay: Relay, system: str) -> None:
    answers: list[web.Response] = [
        web.Response(status=500, body=b"secret"), web.Response(status=302, headers={"Location": "/fairplay"}),
        web.Response(body=b""), web.Response(body=b"x" * (MOST_BYTES + 1)),
    ]  # fmt: skip
    if system == "widevine":
        answers += [web.Response(body=b"[]"), web.json_response({"status": "OK", "license": "no base64!"})]
    if system == "playready":
        fault = ANSWER.replace(b"<Licence/>", b"<Fault/>")
        answers += [web.Response(body=fault), web.Response(body=EXTERNAL.encode() + ANSWER)]
    for answer in answers:
        relay.server.answer = answer
        assert await relay.code(system, relay.challenge(system)) == (503, "licence_server")
    relay.server.answer, relay.server.gate = None, asyncio.Event()
    assert await relay.code(system, relay.challenge(system)) == (503, "licence_server")
    relay.server.gate.set()


async def test_a_request_that_widevines_server_does_not_take(relay: Relay) -> None:
    relay.server.answer = web.json_response({"status": "INVALID_LICENSE_CHALLENGE"})
    assert await relay.code("widevine", relay.challenge("widevine")) == (422, "validation")


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_switch_that_is_turned_while_the_server_works_stops_the_licence(
    relay: Relay, system: str
) -> None:
    relay.server.gate = asyncio.Event()
    asking = asyncio.create_task(relay.code(system, relay.challenge(system)))
    async with asyncio.timeout(20):
        await relay.server.asked.wait()
    await relay.cinema.world.say_of_film(stopped=True)
    relay.server.gate.set()
    assert await asking == (403, "stopped")


async def test_what_a_server_does_not_say_it_enforces_is_denied(relay: Relay) -> None:
    await relay.cinema.world.say_policy("renewed", renew_every_s=60)
    await relay.cinema.world.say_of_film(policy="renewed")
    for system in ("playready", "fairplay"):
        assert await relay.code(system, relay.challenge(system)) == (403, "unenforceable")
    await relay.cinema.world.say_policy("default")
    await relay.cinema.world.say_of_film(policy="default")
    kid = f"kid={UUID(relay.kid)}&"
    for system, more in (("playready", ""), ("fairplay", kid)):
        asked = await relay.code(system, relay.challenge(system), f"?{more}offline=true")
        assert asked == (403, "offline_denied")


async def test_no_secret_is_logged(relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    for system in SYSTEMS:
        assert (await relay.ask(system, relay.challenge(system)))[0] == 200
    relay.server.answer = web.Response(status=500)
    for system in SYSTEMS:
        assert (await relay.ask(system, relay.challenge(system)))[0] == 503
    said = "".join(capsys.readouterr())
    assert said.count("no licence from the licence server") == len(SYSTEMS)
    secrets = [SECRET, KEY, IV, *(key.hex() for key in relay.cinema.keys.values())]
    secrets += [base64.b64encode(key).decode() for key in relay.cinema.keys.values()]
    assert [secret for secret in secrets if secret in said] == []


async def test_a_trial_knows_what_each_system_enforces(relay: Relay) -> None:
    await relay.cinema.world.say_policy("renewed", renew_every_s=60, min_security_level=2)
    await relay.cinema.world.say_of_film(policy="renewed")

    async def tried(system: str, **more: object) -> str:
        wish = {"asset_id": FILM, "system": system, **more}
        answer = await relay.cinema.client.post("/v1/decisions", json=wish, headers=BEARER)
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["code"])

    assert await tried("widevine") == ""
    assert await tried("widevine", security_level=1) == "security_level"
    assert await tried("playready") == await tried("fairplay") == "unenforceable"
    assert await tried("clearkey") == "system_denied"
    assert relay.server.said == []


async def test_a_film_has_no_licence_of_a_system_that_it_is_not_protected_for(relay: Relay) -> None:
    status, body = await relay.cinema.play()  # Clear Key would show its keys
    assert (status, body["code"]) == (403, "system_denied")


async def test_systems_that_are_not_set_say_which_setting(
    serve: Serve, core: CoreDeps, redis: Redis, hub: Hub, vault: Vault
) -> None:
    cinema = await _opened(Servers(upstream=Upstream()), serve, core, redis, hub, vault)
    relay = Relay(cinema, LicenceServer(), Path())
    for system in SYSTEMS:
        status, body = await relay.ask(system, relay.challenge(system))
        assert (status, f"set {system.upper()}_LICENCES" in json.loads(body)["detail"]) == (503, True)
    answer = await cinema.client.get("/v1/fairplay/certificate")
    assert (answer.status, "FAIRPLAY_LICENCES" in await answer.text()) == (503, True)
    assert cinema.world.published == []
    wish = {"asset_id": FILM, "system": "widevine"}
    answer = await cinema.client.post("/v1/decisions", json=wish, headers=BEARER)
    said = await answer.json()
    assert (said["granted"], said["code"]) == (False, "not_configured")


class OpaqueKsm:
    """A plug-in as an operator would install it; `broken` and `refuses` are odd ways of it."""

    enforces = ("licence_s",)
    broken = False

    async def ckc(self, spc: bytes, told: dict[str, Any]) -> bytes:
        if self.broken:
            raise OSError("the module is away")
        return b"ckc of a plug-in for " + spc + told["keys"][0]["label"].encode()

    async def close(self) -> None:
        return None


async def test_a_module_can_be_a_plugin(
    serve: Serve, core: CoreDeps, redis: Redis, hub: Hub, vault: Vault, tmp_path: Path
) -> None:
    named = {"certificate_file": tmp_path / "c", "module": f"{__name__}:OpaqueKsm"}
    made = servers(Settings(fairplay_licences=FairPlayLicences.model_validate(named)), Upstream())
    relay = Relay(await _opened(made, serve, core, redis, hub, vault), LicenceServer(), tmp_path / "c")
    assert await relay.ask("fairplay", SPC) == (200, b"ckc of a plug-in for " + SPC + b"sd")
    made.ksm.broken = True  # type: ignore[union-attr]
    assert await relay.code("fairplay", SPC) == (503, "licence_server")
    await made.close()
    for module in (f"{__name__}:nothing", "no_such_package:made"):
        wrong = FairPlayLicences.model_validate({**named, "module": module})
        with pytest.raises(SettingsError, match="FAIRPLAY_LICENCES: module"):
            servers(Settings(fairplay_licences=wrong), Upstream())
