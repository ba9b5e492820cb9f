"""The process that owns a cluster's programs: starts them, starts them again, and stops them in order.

Run as `python3 -m localcluster.supervisor DIRECTORY`; reads `spec.json`, writes `state.json`. Its standard input is its
life line: when that ends without the word "detach", whoever started the cluster is dead and the cluster stops.
Nothing here may start a thread: the kernel ends the children with the thread that forked them.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from localcluster.components import Component
from localcluster.namespaces import Sandbox, run_inside
from localcluster.places import is_locked, try_lock
from localcluster.processes import spawn

LOCK, SPEC, STATE, INSIDE = "supervisor.lock", "spec.json", "state.json", "inside.pid"
DETACH = b"detach\n"
_STOP_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 10.0
_START_SECONDS = 0.05
_FOLLOW_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Spec:
    """What to run: components in starting order, inside a sandbox of namespaces or not.

    Attributes:
        components: what to run.
        sandbox: where.
        follows: the directory of another supervisor with whose end this one ends too; empty for none.
    """

    components: tuple[Component, ...]
    sandbox: Sandbox | None = None
    follows: str = ""

    def write(self, directory: Path) -> None:
        """Write `spec.json`."""
        (directory / SPEC).write_text(json.dumps(asdict(self), indent=1))

    @staticmethod
    def read(directory: Path) -> "Spec":
        """Read `spec.json`."""
        data = json.loads((directory / SPEC).read_text())
        components = tuple(Component(**each | {"argv": tuple(each["argv"])}) for each in data["components"])
        return Spec(components, Sandbox(**data["sandbox"]) if data["sandbox"] else None, data["follows"])


@dataclass(slots=True)
class Child:
    """One component's process: its pid (0: not running), and when it may be started next (monotonic seconds)."""

    component: Component
    pid: int = 0
    restarts: int = -1
    last_status: int = 0
    not_before: float = 0.0

    def may_start(self) -> bool:
        """Whether it is time to start it."""
        needs = self.component.needs
        return not self.pid and time.monotonic() >= self.not_before and (not needs or Path(needs).exists())

    def ended(self, status: int) -> None:
        """Note that the process ended; it is started again after a pause that grows."""
        self.pid, self.last_status = 0, status
        self.not_before = time.monotonic() + min(0.5 * 2 ** max(self.restarts, 0), _LONGEST_PAUSE_SECONDS)


@dataclass(slots=True)
class Supervisor:
    """Keeps the children of one cluster running until told to stop."""

    directory: Path
    children: list[Child]
    pid: int
    follows: str = ""
    stopping: bool = False
    attached: bool = True
    _heard: bytes = b""
    _written: str = field(default="")

    def run(self) -> None:
        """Run until a signal or the end of the life line, then stop everything."""
        wakeup = _signals_to_pipe(self._stop_soon)
        while not self.stopping:
            self._start_what_may()
            self._write_state()
            self._wait(wakeup)
            self._check_followed()
            self._reap()
        self._stop()

    def _stop_soon(self) -> None:
        self.stopping = True

    def _start_what_may(self) -> None:
        for child in self.children:
            if child.may_start():
                component = child.component
                log = self.directory / "logs" / f"{component.name}.log"
                child.pid = spawn(list(component.argv), log, os.environ | component.environment)
                child.restarts += 1
                _note(f"started {component.name} as {child.pid}")

    def _wait(self, wakeup: int) -> None:
        waiting = any(not child.pid for child in self.children)
        inputs = [wakeup, 0] if self.attached else [wakeup]
        at_most = _FOLLOW_SECONDS if self.follows else None
        ready, _, _ = select.select(inputs, [], [], _START_SECONDS if waiting else at_most)
        if wakeup in ready:
            os.read(wakeup, 4096)
        if 0 in ready:
            self._listen()

    def _listen(self) -> None:
        data = os.read(0, 64)
        self._heard += data
        if DETACH in self._heard:
            self.attached = False
        elif not data:
            _note("whoever started this cluster is gone")
            self.stopping = True

    def _check_followed(self) -> None:
        if self.follows and not is_locked(Path(self.follows) / LOCK):
            _note(f"{self.follows} has ended")
            self.stopping = True

    def _reap(self) -> None:
        while (ended := _reap_one()) is not None:
            pid, status = ended
            for child in self.children:
                if child.pid == pid:
                    child.ended(status)
                    _note(f"{child.component.name} ended with {status}")

    def _stop(self) -> None:
        _note("stopping")
        self._write_state()
        for stage in sorted({child.component.stage for child in self.children}):
            self._stop_stage([child for child in self.children if child.component.stage == stage])
        _note("stopped")

    def _stop_stage(self, children: list[Child]) -> None:
        self._signal(children, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while any(child.pid for child in children) and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.01)  # the stop is short, and children end in any order
        self._signal(children, signal.SIGKILL)

    def _signal(self, children: list[Child], signum: int) -> None:
        for child in children:
            if child.pid:
                _note(f"signal {signum} to {child.component.name}")
                os.kill(child.pid, signum)

    def _write_state(self) -> None:
        components = {
            child.component.name: {"pid": child.pid, "restarts": child.restarts, "last_status": child.last_status}
            for child in self.children
        }
        about = {"pid": self.pid, "attached": self.attached, "stopping": self.stopping}
        text = json.dumps(about | {"components": components})
        if text != self._written:
            _write(self.directory / STATE, text)
            self._written = text


def main(directory: Path) -> int:
    """Supervise the cluster in `directory`; 1 if another supervisor does."""
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + 1.0
    while not (mine := try_lock(lock)) and time.monotonic() < deadline:
        time.sleep(0.02)  # somebody may just be looking whether it is locked
    if not mine:
        _note("another supervisor has this cluster")
        return 1
    spec = Spec.read(directory)
    children = [Child(each) for each in spec.components]
    supervisor = Supervisor(directory, children, pid=os.getpid(), follows=spec.follows)
    if spec.sandbox is None:
        supervisor.run()
    else:
        run_inside(spec.sandbox, supervisor.run, lambda pid: _write(directory / INSIDE, str(pid)))
    return 0


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f"{path.name}.new")
    scratch.write_text(text)
    scratch.replace(path)


def _signals_to_pipe(stop: Callable[[], None]) -> int:
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return reader


def _reap_one() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None


def _note(text: str) -> None:
    now = time.strftime("%H:%M:%S")
    print(f"{now} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
