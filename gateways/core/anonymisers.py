"""Whether a network hides where its people are, by a MaxMind DB file of the operator's (ANONYMISERS_FILE)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateways.core.address_files import AddressFile
from gateways.core.forwarded import Address

_ADVICE: Final = "name a database of anonymous networks, such as GeoIP2-Anonymous-IP.mmdb"
_HIDING: Final = (
    "is_anonymous", "is_anonymous_vpn", "is_hosting_provider", "is_public_proxy", "is_residential_proxy",
    "is_tor_exit_node", "is_vpn", "is_proxy", "is_tor",
)  # fmt: skip
"""Of MaxMind's records, and of other makers'."""


class Anonymisers:
    """Looks networks up. Raises SettingsError for a file that is no MaxMind DB."""

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = AddressFile("ANONYMISERS_FILE", file, _ADVICE, clock)

    def hides(self, address: Address | None) -> bool | None:
        """None: not known. Such files list the networks that hide: of one that is not listed it is False."""
        if address is None:
            return None
        try:
            record = self._file.record(address)
        except LookupError:
            return None
        return isinstance(record, dict) and any(record.get(name) is True for name in _HIDING)
