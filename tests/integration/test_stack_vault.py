"""The vault in the local stack: its own server, answered for by its settings."""

from __future__ import annotations

import stat

import psutil
import pytest
import redis

from deploy.local.launcher import Stack
from streams.core.vault import API_KEY, open_vault
from streams.core.vault_care import shortcomings


async def test_the_stack_has_a_vault_as_it_should_be(stack: Stack) -> None:
    vault = open_vault(stack.settings)
    await vault.ready()
    assert await shortcomings(vault) == []
    assert await vault.put(API_KEY, "stack-test", b"x", expires_in_s=60)
    assert await vault.get(API_KEY, "stack-test") == b"x"
    await vault.aclose()
    assert stat.S_IMODE(stack.settings.kms_path.stat().st_mode) == 0o600


def test_its_password_is_needed_and_stands_in_no_command_line(stack: Stack) -> None:
    password = stack.credentials["vault_password"]
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=stack.ports["vault"]).ping()
    assert password not in " ".join(psutil.Process(stack.pid("vault")).cmdline())
    config = stack.home.run / "vault" / "vault.conf"
    assert password in config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
