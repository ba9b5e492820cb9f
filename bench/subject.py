"""The operator as the process that is measured."""

import itertools
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.world import World
from localcluster.operated import OperatorProcess

_PROFILING = Path(__file__).parent / "profiling"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Subject:
    """A running operator.

    Attributes:
        started: when its process was started, in seconds since the Unix epoch.
        server: the processor seconds of the control plane then.
    """

    process: OperatorProcess
    pid: int
    started: float
    server: float


@contextmanager
def operator(world: World) -> Iterator[Subject]:
    """Run the operator for a while.

    With `BENCH_PROFILE=DIR` in the environment each one writes a profile for `pstats` there; times are worth nothing
    then.
    """
    world.audit.mark()
    number = next(_numbers)
    process = OperatorProcess(
        world.kubeconfig, world.cluster.directory / f"operator-{number}.log", _free_port(), _profile(number)
    )
    started = time.time()
    subject = Subject(process, process.start(), started, world.cpu_seconds())
    try:
        yield subject
    finally:
        process.stop()


def _profile(number: int) -> dict[str, str]:
    target = os.environ.get("BENCH_PROFILE")
    if not target:
        return {}
    return {"PYTHONPATH": str(_PROFILING), "BENCH_PROFILE_OUT": str(Path(target).resolve() / f"operator-{number}.prof")}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
