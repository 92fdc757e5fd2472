"""The country of an address, by a MaxMind DB file of the operator's (GEOIP_FILE).

The address itself goes no further than this. The file may be replaced while we run, by renaming another one
to its name as geoipupdate does (it is mapped into memory: it must not be written into); that is seen within
LOOK_S.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import maxminddb

from gateways.core.forwarded import Address
from streams.core.logging import get_logger
from streams.core.settings import SettingsError

_log = get_logger("gateway.countries")
LOOK_S: Final = 60.0
UNKNOWN: Final = ""
_CODE: Final = re.compile(r"[A-Z]{2}")
Stamp = tuple[int, int, int]


class Countries:
    """Looks countries up; without a `file` all are unknown. `clock` gives seconds of any origin.

    Raises SettingsError for a file that is no MaxMind DB.
    """

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._reader: maxminddb.Reader | None = None
        self._stamp: Stamp | None = None
        self._looked_at_s = clock()
        if file is not None:
            try:
                self._stamp, self._reader = _opened(file)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
                raise SettingsError(
                    f"GEOIP_FILE: {file} cannot be read as a MaxMind DB ({error}); name a country or city "
                    "database, such as GeoLite2-Country.mmdb, or leave it empty"
                ) from error

    def of(self, address: Address | None) -> str:
        """ISO 3166-1 alpha-2 code; "" if it is not known."""
        self._look()
        if self._reader is None or address is None:
            return UNKNOWN
        try:
            return _code(self._reader.get(address))
        except (ValueError, maxminddb.InvalidDatabaseError):  # IPv6 in a file of IPv4, or a damaged record
            return UNKNOWN

    @property
    def database(self) -> str:
        """Kind and build of the file in use, such as GeoLite2-Country/1700000000; "" without one."""
        if self._reader is None:
            return ""
        told = self._reader.metadata()
        return f"{told.database_type}/{told.build_epoch}"

    def _look(self) -> None:
        """Open the file again if it is another one. One that cannot be read leaves the old one in use."""
        now_s = self._clock()
        if self._file is None or now_s - self._looked_at_s < LOOK_S:
            return
        self._looked_at_s = now_s
        try:
            if _stamp(self._file) != self._stamp:
                self._stamp, self._reader = _opened(self._file)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            _log.warning("the new GEOIP_FILE cannot be read, the old one stays", error=str(error))


def _opened(file: Path) -> tuple[Stamp, maxminddb.Reader]:
    return _stamp(file), maxminddb.open_database(file)


def _stamp(file: Path) -> Stamp:
    told = file.stat()
    return told.st_mtime_ns, told.st_size, told.st_ino


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
