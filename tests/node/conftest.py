"""A cluster whose pods run in real containers, the operator among them: the built image, installed by the chart."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localcluster import nodes
from localcluster.charts import Helm
from localcluster.cluster import LocalCluster, prepare
from localcluster.installed import RELEASE, Installation, prepare_installation
from localcluster.operatorimage import OperatorImage, build_offline, can_build_offline
from localcluster.places import silent
from tests.node.support import Space

Kubectl = Callable[..., str]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install and build what is missing before the first test's clock runs: it takes minutes, once."""
    here = Path(__file__).parent
    ours = any(here in item.path.parents for item in session.items)
    if ours and not session.config.option.collectonly and can_build_offline() is None:
        say = _reporter(session)
        prepare("auto", say)
        Helm.find(say)
        build_offline(say)


def _reporter(session: pytest.Session) -> Callable[[str], None]:
    capture = session.config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"{text}\n")

    return say


@pytest.fixture(scope="session")
def real_node() -> None:
    """That a real node is possible here; a test that needs one is skipped elsewhere, which `.ci/run` does not accept."""
    reason = can_build_offline() or nodes.prepare(silent)
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
def operator_image(real_node: None) -> OperatorImage:
    """The image of this checkout."""
    assert real_node is None
    return build_offline(silent)


@pytest.fixture(scope="session")
def installation(node_cluster: LocalCluster, operator_image: OperatorImage) -> Installation:
    """The operator in the cluster, as the chart installs it."""
    prepared = prepare_installation(node_cluster, silent)
    assert prepared.image == operator_image
    prepared.install()
    return prepared


@pytest.fixture(scope="module")
def space(node_cluster: LocalCluster, installation: Installation) -> Iterator[Space]:
    """A namespace that the operator serves; its deletion is asked for at the end, and not waited for."""
    assert "deployed" in installation.run_helm("status", RELEASE)
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "node-"}}
    created = node_cluster.kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(manifest))
    name = created.strip().removeprefix("namespace/")
    yield Space(node_cluster.kubectl, name)
    node_cluster.kubectl("delete", "namespace", name, "--wait=false")
