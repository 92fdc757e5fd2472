"""How a process ends itself when going on would be wrong: at once, for its supervisor to start it anew."""

from __future__ import annotations

import logging
import os
from typing import Any, Final, NoReturn

from streams.core.logging import get_logger

log = get_logger(__name__)
ENDED: Final = 70  # exit status of a process that ended itself to start anew (EX_SOFTWARE)


def end_process(why: str, **details: Any) -> NoReturn:
    """Leave without any library's shutdown: what was not fenced is read again by the next life."""
    log.critical("process ends", why=why, **details)
    logging.shutdown()
    os._exit(ENDED)
