"""A cluster whose pods run in real containers."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localcluster import nodes
from localcluster.cluster import LocalCluster, prepare

Kubectl = Callable[..., str]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install and build what is missing before the first test's clock runs: it takes minutes, once."""
    here = Path(__file__).parent
    ours = any(here in item.path.parents for item in session.items)
    if ours and not session.config.option.collectonly and nodes.can_run_node() is None:
        prepare("auto", _reporter(session))


def _reporter(session: pytest.Session) -> Callable[[str], None]:
    capture = session.config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"{text}\n")

    return say


@pytest.fixture(scope="session")
def node_cluster() -> Iterator[LocalCluster]:
    """A running cluster with a real node, Ready."""
    reason = nodes.can_run_node()
    if reason is not None:
        pytest.skip(f"skipped: node ({reason})")
    with LocalCluster.start(f"node-{os.getpid()}", node="real") as running:
        yield running


@pytest.fixture
def node_kubectl(node_cluster: LocalCluster) -> Kubectl:
    """Runs kubectl as administrator: `node_kubectl(*arguments, stdin=None)` returns its output, or raises."""
    return node_cluster.kubectl
