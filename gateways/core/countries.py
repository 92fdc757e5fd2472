"""The country of an address, by a MaxMind DB file of the operator's (GEOIP_FILE)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gateways.core.address_files import AddressFile
from gateways.core.forwarded import Address

UNKNOWN: Final = ""
_CODE: Final = re.compile(r"[A-Z]{2}")
_ADVICE: Final = "name a country or city database, such as GeoLite2-Country.mmdb"


class Countries:
    """Looks countries up; without a `file` all are unknown. `clock` gives seconds of any origin.

    Raises SettingsError for a file that is no MaxMind DB.
    """

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = AddressFile("GEOIP_FILE", file, _ADVICE, clock)

    def of(self, address: Address | None) -> str:
        """ISO 3166-1 alpha-2 code; "" if it is not known."""
        if address is None:
            return UNKNOWN
        try:
            return _code(self._file.record(address))
        except LookupError:
            return UNKNOWN

    @property
    def database(self) -> str:
        """Kind and build of the file in use, such as GeoLite2-Country/1700000000; "" without one."""
        return self._file.database


def _code(record: Any) -> str:
    """Of MaxMind's records, and of those that have the code alone, as other makers' files do."""
    if not isinstance(record, dict):
        return UNKNOWN
    for name in ("country", "registered_country", "country_code"):
        found = record.get(name)
        code = found.get("iso_code") if isinstance(found, dict) else found
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    return UNKNOWN
