"""Where things lie: binaries and clusters live in the user's cache, never in the checkout."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Say = Callable[[str], None]

SOURCE = Path(__file__).resolve().parent
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


class LocalClusterError(Exception):
    """Something that the user can act on; its text says what."""


def silent(_text: str) -> None:
    """Say nothing."""


def cache_root() -> Path:
    """The project's directory in `XDG_CACHE_HOME` (default `~/.cache`)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "launchplan-operator"


def bin_root() -> Path:
    """Where built tool sets are kept, one directory each."""
    return cache_root() / "bin"


def clusters_root() -> Path:
    """Where running clusters keep their files, one directory each."""
    return cache_root() / "clusters"


def cluster_dir(name: str) -> Path:
    """The directory of cluster `name`, existing or not.

    Raises:
        LocalClusterError: the name is not a DNS label of at most 40 characters.
    """
    if not _NAME.fullmatch(name):
        msg = f"the cluster name {name!r} is not made of a-z, 0-9 and '-' (40 at most)"
        raise LocalClusterError(msg)
    return clusters_root() / name


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the file `path` locked; `waiting` is called once if somebody else holds it.

    The kernel drops the lock with the process, so a killed holder blocks nobody. Who holds it may remove the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a") as file:
            if not try_lock(file.fileno()):
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            if _is_still(path, file.fileno()):  # else the last holder removed it, and somebody may lock a new one
                yield
                return


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def try_lock(fd: int) -> bool:
    """Lock the open file `fd`, without waiting; False if somebody else holds it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock file `path`."""
    try:
        with path.open() as file:
            return not try_lock(file.fileno())
    except FileNotFoundError:
        return False
