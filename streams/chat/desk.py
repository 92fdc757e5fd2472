"""Stub."""
from typing import Any
def desk(state: Any, event: Any) -> Any:
    return state, []
