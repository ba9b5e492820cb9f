"""Starts, asks and ends supervisors, each of which has a directory of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from localcluster.places import SOURCE, LocalClusterError, is_locked
from localcluster.supervisor import DETACH, LOCK, STATE

Process = subprocess.Popen[bytes]

_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.05


def start_supervisor(directory: Path, keep_open: tuple[int, ...] = ()) -> Process:
    """Start the supervisor of the `spec.json` in `directory`; it ends with this process unless detached.

    Args:
        directory: holds the specification and a directory `logs`.
        keep_open: open files that it is handed.
    """
    with (directory / "logs" / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "localcluster.supervisor", str(directory)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=directory,
            env=os.environ | {"PYTHONPATH": str(SOURCE.parent)},
            start_new_session=True,
            pass_fds=keep_open,
        )


def detach(process: Process) -> None:
    """Let a supervisor outlive this process."""
    if process.stdin:
        process.stdin.write(DETACH)
        process.stdin.close()


def is_supervised(directory: Path) -> bool:
    """Whether a supervisor lives there."""
    return is_locked(directory / LOCK)


def read_state(directory: Path) -> dict[str, Any]:
    """What a supervisor tells of itself and of each component.

    Raises:
        LocalClusterError: it has written nothing yet.
    """
    try:
        state: dict[str, Any] = json.loads((directory / STATE).read_text())
    except FileNotFoundError:
        msg = f"{directory.name} has no state"
        raise LocalClusterError(msg) from None
    return state


def end_supervisor(directory: Path) -> None:
    """End a supervisor and all that it runs, if there is one, and wait for that."""
    deadline = time.monotonic() + _STOP_SECONDS
    signum = signal.SIGTERM
    while is_supervised(directory):
        _signal(directory, signum)
        signum = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        time.sleep(_POLL_SECONDS)  # nobody but its parent is told of a process's end, and that may be init


def _signal(directory: Path, signum: int) -> None:
    # The lock is held, so the pid in the state is the supervisor's and not somebody's who got it after.
    try:
        os.kill(int(read_state(directory)["pid"]), signum)
    except (LocalClusterError, ProcessLookupError):
        return
