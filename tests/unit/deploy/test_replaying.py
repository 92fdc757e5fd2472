"""`kinolog verify` and `rebuild` without servers: what they print of what was found, and how they end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from deploy import replaying
from deploy.commands.rebuild import command as rebuild
from deploy.commands.verify import command as verify
from streams.engine.differences import Differences
from streams.engine.receipts import Report


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


def found(monkeypatch: pytest.MonkeyPatch, **what: Any) -> None:
    """Let a replay end with this report."""

    async def run(name: str, _what: Any, _quiet: bool) -> Report:
        return Report(name, 1, 2, records=9, **what)

    monkeypatch.setattr(replaying, "_run", run)


@pytest.mark.parametrize("command", [verify, rebuild])
def test_keys_that_differ_are_printed_with_a_remedy_and_nobody_goes_over(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, differing={"3": Differences(7, {"a1": "n: 1 -> 2", "recent/x": "1 -> 3"})})
    done = CliRunner().invoke(command, ["media.library"])
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "media.library[3]: 7 keys differ", "  a1: n: 1 -> 2", "  recent/x: 1 -> 3", "  and 5 more",
        "media.library: 9 records replayed, 1 partitions differ",
    ]  # fmt: skip
    assert "`kinolog rebuild media.library --accept-differences`" in done.stderr
    told = json.loads(CliRunner().invoke(command, ["media.library", "--json"]).stdout)
    assert told["differing"] == {"3": {"count": 7, "sample": {"a1": "n: 1 -> 2", "recent/x": "1 -> 3"}}}
    assert (told["equal"], told["went_over"]) == (False, False)


def test_accepted_differences_are_printed_and_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, differing={"3": Differences(1, {"a1": "n: 1 -> 2"})}, went_over=True)
    done = CliRunner().invoke(rebuild, ["media.library", "--accept-differences"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "readers use version 2; version 1 is kept"
    assert "  a1: n: 1 -> 2" in done.stdout


def test_what_is_removed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(_name: str, _what: Any, _quiet: bool) -> list[int]:
        return [1, 2]

    monkeypatch.setattr(replaying, "_run", run)
    done = CliRunner().invoke(rebuild, ["log_events", "--remove-old"])
    assert done.stdout == "log_events: removed versions 1, 2\n"
    told = json.loads(CliRunner().invoke(rebuild, ["log_events", "--remove-old", "--json"]).stdout)
    assert told == {"name": "log_events", "removed": [1, 2]}


def test_two_intentions_at_once_are_refused() -> None:
    done = CliRunner().invoke(rebuild, ["media.library", "--back", "--remove-old"])
    assert done.exit_code == 2
    assert "exclude one another" in done.stderr


def test_an_equal_rebuild_says_where_readers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, went_over=True)
    done = CliRunner().invoke(rebuild, ["media.library"])
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "readers use version 2; version 1 is kept"
    found(monkeypatch)
    assert "readers" not in CliRunner().invoke(verify, ["media.library"]).output


def test_a_missing_receipt_is_told_and_readers_are_there_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found(monkeypatch, went_over=True, receipt_missing="the broker did not acknowledge")
    done = CliRunner().invoke(rebuild, ["media.library"])
    assert done.exit_code == 0
    assert "the log has no receipt of it: the broker did not acknowledge" in done.output
    told = json.loads(CliRunner().invoke(rebuild, ["media.library", "--json"]).output)
    assert (told["equal"], told["receipt_missing"]) == (True, "the broker did not acknowledge")
