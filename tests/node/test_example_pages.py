"""The pages of the examples on a real node: each command works, and real containers give what the page promises."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from localcluster.cluster import LocalCluster
from localcluster.installed import RELEASE, Installation
from tests.cluster import support
from tests.cluster.examples import ENDS, EXAMPLES, NAMESPACES, follow, programs_for
from tests.node.pages import ROOT


@pytest.fixture(scope="module")
def followed(
    node_cluster: LocalCluster, installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Path, Future[str]]]:
    """Somebody follows each page in a namespace of its own, all beside each other."""
    assert "deployed" in installation.run_helm("status", RELEASE)
    environment = programs_for(node_cluster, tmp_path_factory.mktemp("bin"))

    def followed_in(example: Path) -> str:
        namespace = f"example-{example.name}"
        node_cluster.kubectl("create", "namespace", namespace)
        follow(example, node_cluster, namespace, environment, ROOT)
        return namespace

    with ThreadPoolExecutor(4) as pool:
        yield {example: pool.submit(followed_in, example) for example in EXAMPLES}
    for example in EXAMPLES:
        node_cluster.kubectl("delete", "namespace", f"example-{example.name}", "--wait=false", "--ignore-not-found")
    node_cluster.kubectl("delete", "namespace", *NAMESPACES, "--wait=false", "--ignore-not-found")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_does_what_its_page_says(
    example: Path, followed: dict[Path, Future[str]], node_cluster: LocalCluster, tmp_path: Path
) -> None:
    """No command fails, and all stands as the page promises."""
    namespace = followed[example].result()
    with closing(node_cluster.api()) as api:
        ENDS[example.name](support.Space(api, namespace, node_cluster.kubectl, tmp_path))
