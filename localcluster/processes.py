"""Child processes that cannot outlive their parent (Linux), and where to find them."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(signum: int = signal.SIGKILL) -> Callable[[], None]:
    """What a child calls between fork and exec so that the kernel ends it with its parent.

    The kernel means the parent's thread: fork from a thread that lives as long as the process.
    """
    parent = os.getpid()

    def bind() -> None:
        set_death_signal(signum)
        if os.getppid() != parent:  # the parent died before the request was made
            os._exit(1)

    return bind


def set_death_signal(signum: int = signal.SIGKILL) -> None:
    """Ask the kernel to send this process `signum` when its parent dies."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)


def spawn(argv: list[str], log: Path, environment: dict[str, str]) -> int:
    """Start a program that dies with this process, its output appended to `log`; returns its pid.

    Only for a process without threads. A program that cannot be executed exits with 127.
    """
    bind = die_with_parent()
    pid = os.fork()
    if pid:
        return pid
    try:
        bind()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(signum, signal.SIG_DFL)
        os.execve(argv[0], argv, environment)  # noqa: S606 - no shell wanted
    except OSError as error:
        os.write(2, f"{argv[0]}: {error}\n".encode())
    finally:
        os._exit(127)


def mentioning(text: str) -> Iterator[int]:
    """The pids of processes, other than this one, whose command line holds `text` (Linux)."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and int(entry.name) != os.getpid():
            yield int(entry.name)
