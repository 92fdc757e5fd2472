"""Stub."""
from typing import Any
def rows(event: Any) -> Any:
    return []
