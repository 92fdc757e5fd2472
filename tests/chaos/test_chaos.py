"""One blow of each kind on real servers, judged by what clients were told; `make chaos` deals fifty."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.__main__ import run
from tests.chaos.run import KINDS, Plan, blows_of

pytestmark = pytest.mark.chaos


def test_one_blow_of_each_kind_changes_nothing(tmp_path: Path) -> None:
    """Freeze and rebalance go on beside the other blows."""
    rest = blows_of([kind for kind in KINDS if kind not in ("freeze", "rebalance")], 1, seed=3)
    blows = ["freeze", "rebalance", *rest]
    result = run(Plan(blows, clients=16, per_s=3.0, pause_s=(0.3, 0.8), replay=True), tmp_path)
    assert result.faults == [], result.summary()
    assert result.requests > 100


def test_a_cluster_node_that_comes_back_empty_changes_nothing(tmp_path: Path) -> None:
    plan = Plan(["redis", "a", "flush"], clients=8, per_s=3.0, pause_s=(0.3, 0.8))
    result = run(plan, tmp_path, with_cluster=True)
    assert result.faults == [], result.summary()
    assert result.requests > 20


def test_without_the_watch_an_idle_process_never_sees_that_the_store_lost_its_end(tmp_path: Path) -> None:
    """The same end as in the runs above: all is quiet, then the store's tail is cut. Nobody reads again.

    Unless a busy machine makes them: a process that was out of its group for a moment reads from its fence.
    The other rules taken away are shown at random interleavings, in tests/unit/engine.
    """
    plan = Plan([], clients=8, per_s=6.0, without="watch", recover_s=6.0)
    for attempt in range(3):
        result = run(plan, tmp_path / str(attempt))
        assert result.calm, result.summary()
        if result.faults:
            break
    assert result.faults != [], result.summary()
    assert not result.settled
