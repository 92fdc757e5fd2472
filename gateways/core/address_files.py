"""What a MaxMind DB file of the operator's says of addresses, which themselves go no further than this.

The file may be replaced while we run, by renaming another one to its name as geoipupdate does (it is mapped
into memory: it must not be written into); that is seen within LOOK_S.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import maxminddb

from gateways.core.forwarded import Address
from streams.core.logging import get_logger
from streams.core.settings import SettingsError

_log = get_logger("gateway.address-files")
LOOK_S: Final = 60.0
Stamp = tuple[int, int, int]


class AddressFile:
    """Records of addresses; without a `file` there are none. `clock` gives seconds of any origin.

    `setting` names the file in errors, `advice` says which would do. Raises SettingsError for a file that is
    no MaxMind DB.
    """

    def __init__(self, setting: str, file: Path | None, advice: str, clock: Callable[[], float]) -> None:
        self._setting, self._file, self._clock = setting, file, clock
        self._reader: maxminddb.Reader | None = None
        self._stamp: Stamp | None = None
        self._looked_at_s = clock()
        if file is not None:
            try:
                self._stamp, self._reader = _opened(file)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
                raise SettingsError(
                    f"{setting}: {file} cannot be read as a MaxMind DB ({error}); {advice}, or leave it empty"
                ) from error

    def record(self, address: Address) -> Any:
        """What the file says of an address; None: nothing. Raises LookupError for one it cannot tell of."""
        self._look()
        if self._reader is None:
            raise LookupError("there is no file")
        try:
            return self._reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError) as error:
            raise LookupError("IPv6 in a file of IPv4, or a damaged record") from error

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
            _log.warning(f"the new {self._setting} cannot be read, the old one stays", error=str(error))


def _opened(file: Path) -> tuple[Stamp, maxminddb.Reader]:
    return _stamp(file), maxminddb.open_database(file)


def _stamp(file: Path) -> Stamp:
    told = file.stat()
    return told.st_mtime_ns, told.st_size, told.st_ino
