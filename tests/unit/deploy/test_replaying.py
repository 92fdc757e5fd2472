"""`kinolog verify` and `rebuild` without servers: a sentence at once, where a worker would wait."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from deploy.commands.rebuild import command as rebuild
from deploy.commands.verify import command as verify


@pytest.mark.parametrize("command", [verify, rebuild])
def test_servers_that_are_away_are_a_sentence_and_no_wait(
    command: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://someone:secret@127.0.0.1:1/0")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    done = CliRunner().invoke(command, ["media.library"])  # type: ignore[arg-type]
    assert done.exit_code == 1
    assert (
        "Redis at 127.0.0.1:1/0 does not answer: start it (`kinolog up`) or correct REDIS_URL" in done.output
    )
    assert "secret" not in done.output


def test_an_unknown_name_is_a_sentence() -> None:
    done = CliRunner().invoke(verify, ["media.libary"])
    assert done.exit_code == 1
    assert "no agent 'media.libary': known are" in done.output
