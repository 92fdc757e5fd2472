"""Stub."""
from typing import Any
def decide(state: Any, event: Any) -> Any:
    return state, []
