"""Errors of the contract. Each message names the thing, what was expected, and the remedy."""

from __future__ import annotations


class ContractError(Exception):
    """Something in `schemas/` or `topology.yaml` is wrong: refuse to start."""


class WireError(Exception):
    """A record's bytes do not follow the contract; the record belongs in the dead-letter topic."""


class EncodeError(Exception):
    """Data does not fit its event's schema: a bug in the code that made it."""
