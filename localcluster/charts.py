"""The program helm: built like the others, and called for one cluster, or for none."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from localcluster import build, toolsets
from localcluster.places import LocalClusterError, Say


@dataclass(frozen=True, slots=True)
class Helm:
    """Runs helm.

    Attributes:
        program: where it is.
        kubeconfig: of whom it acts as, and where; None for what needs no cluster.
    """

    program: Path
    kubeconfig: Path | None = None

    @classmethod
    def find(cls, say: Say, kubeconfig: Path | None = None) -> Self:
        """Return the pinned helm, built if it must be, which takes minutes.

        Raises:
            LocalClusterError: the build failed.
        """
        return cls(build.ensure(toolsets.HELM, ["helm"], say) / "helm", kubeconfig)

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run helm; returns its standard output.

        Raises:
            LocalClusterError: helm failed; the text is what it wrote to standard error.
        """
        # Without a cluster there is none: neither the user's own nor one on this machine.
        environment = os.environ | {"KUBECONFIG": str(self.kubeconfig or "/dev/null")}
        command = [str(self.program), *arguments]
        run = subprocess.run(command, input=stdin, env=environment, capture_output=True, text=True, check=False)
        if run.returncode:
            raise LocalClusterError(run.stderr.strip() or f"helm exited with {run.returncode}")
        return run.stdout
