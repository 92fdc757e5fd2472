"""Which benches run, how their figures are judged and kept. The figures themselves are `make bench`'s."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest

from tests.bench import media, media_benches, screening, stack_benches
from tests.bench.__main__ import chosen
from tests.bench.harness import OURS, Bench, Goal, judged, keep, measured


def names(*asked: str) -> list[str]:
    return [bench.name for bench in chosen(asked)]


def test_a_name_or_its_beginning_chooses() -> None:
    assert names("stack", "media") == [
        "media.ladder_cpu_s",
        "media.ladder_wall_s",
        "media.worker_mb",
        "stack.cold_s",
        "stack.warm_s",
        "stack.idle_mb",
    ]
    assert names("stack.warm_s") == ["stack.warm_s"]
    assert "chat.screen_us" in names("chat")


@pytest.mark.parametrize("asked", ["sta", "stack.hot_s", "stack.warm_s.x"])
def test_what_is_no_bench_is_refused_before_anything_runs(asked: str) -> None:
    with pytest.raises(click.UsageError, match=rf"no bench '{asked}'.*stack\.warm_s"):
        names("stack", asked)


def test_peers_and_goals_are_those_that_were_promised() -> None:
    benches = [*screening.benches(), *media_benches.benches(), *stack_benches.benches()]
    found = {bench.name: bench for bench in benches}
    assert set(found["media.ladder_cpu_s"].sides) == {OURS, "ffmpeg"}
    assert set(found["media.ladder_wall_s"].sides) == {OURS, "one-process"}
    assert found["media.ladder_cpu_s"].goals == [Goal("ffmpeg", 1.05)]
    assert found["media.ladder_wall_s"].goals == [Goal("one-process", 0.65)]
    assert found["stack.warm_s"].goals == [Goal("", 15.0)]
    assert found["chat.screen_us"].goals == [Goal("", 40)]
    assert all(bench.lower_is_better for bench in found.values())


def test_a_missing_peer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media.shutil, "which", lambda _name: None)
    monkeypatch.setattr(media, "PEER_PYTHON", Path("/nowhere/python"))
    bench = Bench("b", "s", True, {OURS: lambda: 1.0, "ffmpeg": lambda: float(len(media.ffmpeg_binary()))})
    with pytest.raises(RuntimeError, match="no ffmpeg to compare with"):
        measured(bench, 1, lambda _line: None)


def test_sides_take_turns_and_medians_are_kept_beside_other_results(tmp_path: Path) -> None:
    turns: list[str] = []
    ours, peer = iter([3.0, 1.0, 2.0]), iter([4.0, 40.0, 5.0])

    def side(name: str, figures: object) -> float:
        turns.append(name)
        return next(figures)  # type: ignore[call-overload, no-any-return]

    bench = Bench(
        "b.x", "s", True,
        {OURS: lambda: side(OURS, ours), "peer": lambda: side("peer", peer)},
        [Goal("peer", 0.5), Goal("", 1.5)],
    )  # fmt: skip
    result = measured(bench, 3, lambda _line: None)
    assert turns == [OURS, "peer"] * 3
    assert (result["ours"], result["peers"], result["rounds"]) == (2.0, {"peer": 5.0}, 3)
    assert [line.split(":")[0] for line in judged(bench, result)] == ["met", "MISSED"]

    path = tmp_path / "bench" / "latest.json"
    keep([{"bench": "other", "ours": 1}], path)
    keep([result], path)
    kept = json.loads(path.read_text())
    assert [entry["bench"] for entry in kept] == ["other", "b.x"]
    assert set(kept[1]) == {"bench", "ours", "unit", "lower_is_better", "peers", "rounds", "load"}


def test_memory_of_a_home_where_nothing_runs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=os.fspath(tmp_path)):
        stack_benches.memory_mb(stack_benches.Home(tmp_path))
