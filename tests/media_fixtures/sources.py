"""Sources that no object store is needed for: a file, and bytes in memory."""

from __future__ import annotations

import os
from pathlib import Path


class FileSource:
    """A local file."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._size = self._path.stat().st_size

    @property
    def key(self) -> str:
        return f"file:{self._path}"

    @property
    def size(self) -> int:
        return self._size

    def read(self, start: int, end: int) -> bytes:
        with self._path.open("rb") as file:
            return os.pread(file.fileno(), end - start, start)


class BytesSource:
    """Bytes in memory, such as a few encoded segments."""

    def __init__(self, key: str, data: bytes) -> None:
        self._key = key
        self._data = data

    @property
    def key(self) -> str:
        return self._key

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, start: int, end: int) -> bytes:
        return self._data[start:end]
