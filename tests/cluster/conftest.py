"""A control plane of this test run's own, its pods finished by a stub."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localcluster.cluster import LocalCluster, prepare

Kubectl = Callable[..., str]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what is not built before the first test's clock runs: it takes minutes, once."""
    here = Path(__file__).parent
    if not session.config.option.collectonly and any(here in item.path.parents for item in session.items):
        prepare("stub", _reporter(session))


def _reporter(session: pytest.Session) -> Callable[[str], None]:
    capture = session.config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"{text}\n")

    return say


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    """A running cluster: control plane, stub node, audit log."""
    with LocalCluster.start(f"test-{os.getpid()}", node="stub", audit=True) as running:
        yield running


@pytest.fixture
def namespace(cluster: LocalCluster) -> Iterator[str]:
    """A fresh namespace; its deletion is asked for at the end, and not waited for."""
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "test-"}}
    created = cluster.kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(manifest))
    name = created.strip().removeprefix("namespace/")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def kubectl(cluster: LocalCluster) -> Kubectl:
    """Runs kubectl as administrator: `kubectl(*arguments, stdin=None)` returns its output, or raises with its errors."""
    return cluster.kubectl
