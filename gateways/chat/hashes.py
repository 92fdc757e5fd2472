"""What the rules of rooms compare without knowing it: keyed hashes of texts, devices and networks."""

from __future__ import annotations

import hashlib


class Hashes:
    """`secret` is the same in all gateways: else the same person looks like two."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"chat" + secret).digest()

    def text(self, normalised: str) -> str:
        """Of a text after normalisation, by which repeats are seen. 16 hexadecimal digits."""
        return self._hash("text", normalised)

    def device(self, agent: str, language: str) -> str | None:
        """Of what a client says of itself; None if it says nothing. Coarse: many share one."""
        return self._hash("device", f"{agent}\n{language}") if agent else None

    def network(self, network: str | None) -> str | None:
        """Of an address, or of the /64 of an IPv6 one."""
        return self._hash("network", network) if network else None

    def _hash(self, kind: str, text: str) -> str:
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), key=self._key, person=kind.encode(), digest_size=8
        ).hexdigest()
