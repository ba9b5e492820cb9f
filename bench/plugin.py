"""How long the kubectl plugin takes to start."""

import os
import subprocess
import sys
import time

from localcluster.places import SOURCE

_RUNS = 9


def measure_plugin() -> list[float]:
    """Return the seconds of wall time of some calls of `kubectl-launchplan --help`, Python's own start included."""
    return [_start() for _ in range(_RUNS)]


def _start() -> float:
    environment = os.environ | {"PYTHONPATH": str(SOURCE.parent / "operator")}
    begun = time.monotonic()
    command = [sys.executable, "-m", "launchplan_operator.cli", "--help"]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - begun
