"""Who watches what, as analytics knows it: keyed hashes, from which nobody gets back to a name or a session.

A player chooses the id of its playback session. It becomes a view of one film by one account, so that
somebody else's session id leads to a view of their own, and not into the other's numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


class Viewing:
    """`secret` is the same in all gateways: else the beats and the segments of one playback look like two."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"analytics" + secret).digest()

    def view_id(self, sid: str, asset_id: str, account_id: str | None) -> str:
        """Of one playback. 32 hexadecimal digits."""
        return self._hash("view", f"{account_id or ''}\n{asset_id}\n{sid}")

    def viewer(self, account_id: str | None, anonymous_id: str, headers: Mapping[str, str]) -> str:
        """By whom uniques are counted, 32 hexadecimal digits: the account, else what the client calls itself.

        Empty for those who call themselves nothing, or ask not to be tracked (DNT, Sec-GPC).
        """
        if headers.get("DNT") == "1" or headers.get("Sec-GPC") == "1":
            return ""
        if account_id is not None:
            return self._hash("account", account_id)
        return self._hash("client", anonymous_id) if anonymous_id else ""

    def _hash(self, kind: str, text: str) -> str:
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), key=self._key, person=kind.encode(), digest_size=16
        ).hexdigest()
