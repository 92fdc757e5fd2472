"""Licence servers on this machine that check everything they get: signatures, seals, keys, bindings."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateways.drm.entitlement import HEADER

# Google's published test provider.
PROVIDER = "widevine_test"
KEY = "1ae8ccd0e7985cc0b6203a55855a1034afc252980e970ca90e5202689f947ab9"
IV = "d58ce954203b7c9a9a9d467f59839249"
SECRET = "5e" * 32
SHA1_BYTES = 20
ANSWER = b"<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'><Body><Licence/></Body></Envelope>"


def signature_fits(message: bytes, signature: bytes) -> bool:
    """Whichever of the two paddings follows, the first 20 bytes are the message's SHA-1."""
    decryptor = Cipher(algorithms.AES(bytes.fromhex(KEY)), modes.CBC(bytes.fromhex(IV))).decryptor()
    found = decryptor.update(signature) + decryptor.finalize()
    return len(found) == 32 and found[:SHA1_BYTES] == hashlib.sha1(message, usedforsecurity=False).digest()


def opened(jwe: str, secret: str = SECRET) -> dict[str, Any]:
    """What an entitlement says. Raises InvalidTag for one of another secret."""
    header, key, nonce, text, tag = jwe.split(".")
    said = json.loads(_heard(header))
    assert (said["alg"], said["enc"], key) == ("dir", "A256GCM", "")
    plain = AESGCM(bytes.fromhex(secret)).decrypt(_heard(nonce), _heard(text) + _heard(tag), header.encode())
    return json.loads(plain)  # type: ignore[no-any-return]


class LicenceServer:
    """`said` is what it was told, in order. `answer` takes the place of its own; `gate` holds it back."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.answer: web.Response | None = None
        self.gate: asyncio.Event | None = None
        self.asked = asyncio.Event()
        self.app = web.Application()
        self.app.router.add_post("/widevine", self.widevine)
        self.app.router.add_post("/playready", self.playready)
        self.app.router.add_post("/fairplay", self.fairplay)

    async def widevine(self, request: web.Request) -> web.Response:
        sent = await request.json()
        assert set(sent) == {"request", "signature", "signer"}
        message = base64.b64decode(sent["request"])
        if sent["signer"] != PROVIDER or not signature_fits(message, base64.b64decode(sent["signature"])):
            return web.json_response({"status": "SIGNATURE_FAILED"})
        asked = json.loads(message)
        assert asked["provider"] == PROVIDER
        licence = b"licence for " + hashlib.sha256(base64.b64decode(asked["payload"])).digest()
        return await self._answer(
            asked, web.json_response({"status": "OK", "license": base64.b64encode(licence).decode()})
        )

    async def playready(self, request: web.Request) -> web.Response:
        assert request.headers["SOAPAction"].strip('"').endswith("/protocols/AcquireLicense")
        assert request.content_type == "text/xml"
        return await self._answer(await self._entitled(request), web.Response(body=ANSWER))

    async def fairplay(self, request: web.Request) -> web.Response:
        told, spc = await self._entitled(request), await request.read()
        return await self._answer(told, web.Response(body=b"ckc for " + spc))

    async def _entitled(self, request: web.Request) -> dict[str, Any]:
        told = opened(request.headers[HEADER])
        assert told["challenge"] == hashlib.sha256(await request.read()).hexdigest()
        assert told["exp"] - 60 <= time.time() < told["exp"] + 60
        return told

    async def _answer(self, told: dict[str, Any], answer: web.Response) -> web.Response:
        self.said.append(told)
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        return self.answer or answer


def _heard(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
