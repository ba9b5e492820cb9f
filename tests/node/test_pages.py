"""Every manifest and every kubectl command of the documentation, on a real node, in the order of the page."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcluster.cluster import LocalCluster
from tests.node.pages import ROOT, kubectl_pages
from tests.node.pages import blocks as blocks_of
from tests.node.support import Space


@pytest.mark.parametrize("page", kubectl_pages(), ids=lambda page: page.name)
def test_a_page_does_what_it_says(page: Path, space: Space, node_cluster: LocalCluster, tmp_path: Path) -> None:
    """No manifest is refused and no command fails."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(node_cluster.kubeconfig.read_text())
    node_cluster.kubectl(
        "config", "set-context", "--current", f"--namespace={space.name}", f"--kubeconfig={kubeconfig}"
    )
    programs = Path(node_cluster.program("kubectl")).parent
    # The plugin stands beside the Python that it was installed with.
    path = ":".join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = os.environ | {"KUBECONFIG": str(kubeconfig), "PATH": path}
    for block in blocks_of(page):
        if block.language == "yaml":
            node_cluster.kubectl("apply", f"--kubeconfig={kubeconfig}", "-f", "-", stdin=block.text)
        for command in block.commands if block.language == "sh" else ():
            if command.startswith("kubectl "):
                run = subprocess.run(
                    ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
                )
                assert run.returncode == 0, f"{command}\n{run.stderr}"
