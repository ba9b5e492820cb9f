"""Every command of docs/how-to-install.md, in the order of the page, by the pinned helm and kubectl."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster.charted import Charted
from tests.node.pages import INSTALLATION, ROOT, blocks

COMMANDS = [command for block in blocks(INSTALLATION) if block.language == "sh" for command in block.commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_what_the_page_says(charted: Charted, command: str) -> None:
    """None fails; each finds what the ones before it left."""
    programs = (Path(charted.cluster.program("kubectl")).parent, charted.helm.program.parent)
    environment = os.environ | {
        "KUBECONFIG": str(charted.cluster.kubeconfig),
        "PATH": ":".join((*map(str, programs), os.environ["PATH"])),
    }
    run = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, f"{command}\n{run.stderr}"
