"""Among whom the kernel shares the processors while times are measured: among processes, not among sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcluster.places import Say

_GROUPING = Path("/proc/sys/kernel/sched_autogroup_enabled")


@contextmanager
def shared_by_process(say: Say, grouping: Path = _GROUPING) -> Iterator[None]:
    """Switch Linux' autogroups off, for the whole machine, and on again at the end; where there are none, do nothing.

    Each program of the control plane is a session of its own, and so a group. A group's weight on a processor follows its
    load there by and by: a process that was moved to another one stood still for up to half a second, bare clients too.
    """
    if not grouping.exists() or grouping.read_text().strip() != "1":
        yield
        return
    try:
        grouping.write_text("0")
    except OSError:
        say(f"this user may not write {grouping}: the kernel shares the processors by session, and times vary more")
        yield
        return
    say(f"while it measures, {grouping} is 0: the kernel shares the processors by process")
    try:
        yield
    finally:
        grouping.write_text("1")
