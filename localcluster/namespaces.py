"""A sandbox of Linux namespaces: one for processes, one for mounts, one for the network.

Its first process is the supervisor itself. When that dies, by whatever signal, the kernel ends every process inside
(containers and containerd's shims too), drops every mount made inside and deletes the network with both ends of its
veth pair: nothing is left to clean but the containers' empty cgroup directories.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from localcluster.processes import set_death_signal

_CLONE_NEWNS, _CLONE_NEWPID, _CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What to make before the first program runs.

    Attributes:
        link: the veth pair's name on this machine; inside it is `eth0`.
        outer: this machine's address on it, with prefix length.
        inner: the sandbox's address on it, with prefix length.
        setup: commands run inside, in order, each of which must succeed.
    """

    link: str
    outer: str
    inner: str
    setup: list[list[str]]


def run_inside(sandbox: Sandbox, body: Callable[[], None], announce: Callable[[int], None]) -> None:
    """Run `body` as the first process of new namespaces; returns when it and everything inside has ended.

    This process stays outside and passes SIGTERM on; its death ends the sandbox. `announce` is told the pid of the
    first process, as it is called outside.

    Raises:
        OSError: the kernel refused a namespace.
        subprocess.CalledProcessError: a set-up command failed.
    """
    to_inside, from_inside = os.pipe(), os.pipe()
    with _next_child_in_new_pid_namespace():
        pid = os.fork()
    if pid == 0:
        _inside(sandbox, body, to_inside, from_inside)
    _pass_on_signals(pid)
    announce(pid)
    os.close(to_inside[0])
    os.close(from_inside[1])
    try:
        if os.read(from_inside[0], 1):
            _link(sandbox, pid)
            os.write(to_inside[1], b"!")
    finally:
        os.close(to_inside[1])
        _, status = os.waitpid(pid, 0)
    if status:
        sys.exit(1)


def _inside(
    sandbox: Sandbox, body: Callable[[], None], to_inside: tuple[int, int], from_inside: tuple[int, int]
) -> None:
    status = 1
    try:
        set_death_signal()
        os.close(to_inside[1])
        _unshare(_CLONE_NEWNET | _CLONE_NEWNS)
        os.write(from_inside[1], b"!")
        # The link is made from outside. If the parent died before our request to die with it, its end of the pipe says so.
        if os.read(to_inside[0], 1):
            _set_up(sandbox)
            body()
            status = 0
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr}", flush=True)
    finally:
        os._exit(status)


def _set_up(sandbox: Sandbox) -> None:
    _run("mount", "--make-rprivate", "/")
    _run("mount", "-t", "proc", "proc", "/proc")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "address", "add", sandbox.inner, "dev", "eth0")
    _run("ip", "link", "set", "eth0", "up")
    for command in sandbox.setup:
        _run(*command)


def _link(sandbox: Sandbox, pid: int) -> None:
    # The kernel takes its time to delete the network of a sandbox that just ended, and with it a link of this name.
    subprocess.run(["ip", "link", "delete", sandbox.link], check=False, capture_output=True)
    _run(
        "ip",
        "link",
        "add",
        "name",
        sandbox.link,
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        f"/proc/{pid}/ns/net",
    )
    _run("ip", "address", "add", sandbox.outer, "dev", sandbox.link)
    _run("ip", "link", "set", sandbox.link, "up")


class _next_child_in_new_pid_namespace:  # noqa: N801 - reads as the statement it is
    """Children forked inside the block are first in a PID namespace of their own; later ones are here again."""

    def __enter__(self) -> None:
        self._here = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        _unshare(_CLONE_NEWPID)

    def __exit__(self, *_: object) -> None:
        if os.getpid() != 1:
            _check(_LIBC.setns(self._here, _CLONE_NEWPID))
        os.close(self._here)


def _unshare(flags: int) -> None:
    _check(_LIBC.unshare(flags))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _pass_on_signals(pid: int) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: os.kill(pid, signal.SIGTERM))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
