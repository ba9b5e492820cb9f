"""A cluster whose pods run in real containers, and the operator under the chart's role."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localcluster import nodes
from localcluster.cluster import LocalCluster, prepare
from localcluster.operated import OperatorProcess, free_port, install, write_operator_kubeconfig
from localcluster.places import silent
from tests.node.support import Space

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
def real_node() -> None:
    """That a real node is possible here; a test that needs one is skipped elsewhere, which `.ci/run` does not accept."""
    reason = nodes.can_run_node() or nodes.prepare(silent)
    if reason is not None:
        pytest.skip(f"skipped: node ({reason})")


@pytest.fixture(scope="session")
def node_cluster(real_node: None) -> Iterator[LocalCluster]:
    """A running cluster with a real node, Ready."""
    assert real_node is None
    with LocalCluster.start(f"node-{os.getpid()}", node="real") as running:
        yield running


@pytest.fixture
def node_kubectl(node_cluster: LocalCluster) -> Kubectl:
    """Runs kubectl as administrator: `node_kubectl(*arguments, stdin=None)` returns its output, or raises."""
    return node_cluster.kubectl


@pytest.fixture(scope="session")
def operator(node_cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """The operator, as a process of this machine."""
    install(node_cluster.kubectl)
    directory = tmp_path_factory.mktemp("operator")
    admin = json.loads(node_cluster.kubeconfig.read_text())
    kubeconfig = write_operator_kubeconfig(node_cluster.kubectl, directory / "kubeconfig", admin)
    process = OperatorProcess(kubeconfig, directory / "operator.log", free_port())
    process.start()
    process.await_ready()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def space(node_cluster: LocalCluster, operator: OperatorProcess) -> Iterator[Space]:
    """A namespace that the operator serves; its deletion is asked for at the end, and not waited for."""
    assert operator.is_ready()
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "node-"}}
    created = node_cluster.kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(manifest))
    name = created.strip().removeprefix("namespace/")
    yield Space(node_cluster.kubectl, name)
    node_cluster.kubectl("delete", "namespace", name, "--wait=false")
