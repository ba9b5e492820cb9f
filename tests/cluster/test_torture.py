"""One short pass of the torture test; `make torture` makes twenty long ones."""

import os
from pathlib import Path

import pytest

from localcluster.cluster import LocalCluster
from localcluster.places import silent
from tests.cluster.torture import QUICK, torture

_SEED = 1


@pytest.mark.timeout(1200)
def test_no_promise_breaks_while_everything_around_the_operators_does(tmp_path: Path) -> None:
    """Never above a limit, no slot lost or doubled, every run ended and counted."""
    with LocalCluster.start(f"test-{os.getpid()}-torture", node="stub") as cluster:
        outcome = torture(cluster, tmp_path, _SEED, QUICK, silent)
    assert outcome.broken == []
    assert set(outcome.faults) >= {"kill -9", "connections cut", "API server killed", "controllers stopped"}
    assert outcome.slots >= QUICK.plans
