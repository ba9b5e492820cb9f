"""What breaks around the operators: their processes, their connections, the API server, the controllers."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from localcluster.places import Say
from tests.cluster.wire import Wire

_CONTROLLERS = "kube-controller-manager"
_SERVER = "kube-apiserver"
#: Seconds between the strikes, and the part of the time after which the server is restarted.
_PAUSE = (0.3, 3.0)
_RESTARTS_AT = 0.6


@dataclass(slots=True)
class Victim:
    """An operator that is mistreated.

    Attributes:
        pid: 0 while it is dead.
        busy: whether something is being done to it, so that it is left alone.
    """

    name: str
    process: OperatorProcess
    wire: Wire
    pid: int = 0
    busy: bool = False

    def start(self) -> None:
        """Start its process."""
        self.pid = self.process.start()

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.pid = 0


@dataclass(slots=True)
class Faults:
    """All that breaks in a pass, drawn from one seed.

    Attributes:
        struck: how often each kind did.
        outages: from when to when the controllers stood still.
    """

    cluster: LocalCluster
    victims: list[Victim]
    rng: random.Random
    say: Say
    struck: Counter[str] = field(default_factory=Counter)
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    _later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def rage(self, seconds: float, outage: float) -> None:
        """Break things for so long, the controllers' absence among it; in the end everything works again."""
        began = time.monotonic()
        self._at(began + 0.1 * seconds, lambda: self._stop_controllers(outage))
        self._at(began + _RESTARTS_AT * seconds, self._restart_server)
        while time.monotonic() < began + seconds:
            self._strike()
            self._sleep(self.rng.uniform(*_PAUSE))
        while self._later:
            self._sleep(0.2)
        self.say(f"struck: {dict(self.struck)}")

    def _strike(self) -> None:
        victim = self.rng.choice(self.victims)
        if victim.busy:
            return
        kind = self.rng.choices((self._kill, self._pause, self._cut, self._deafen), (5, 2, 3, 2))[0]
        kind(victim)

    def _kill(self, victim: Victim) -> None:
        victim.kill()
        self._until(victim, self.rng.uniform(0, 5), victim.start, "kill -9")

    def _pause(self, victim: Victim) -> None:
        os.kill(victim.pid, signal.SIGSTOP)
        pid = victim.pid
        self._until(victim, self.rng.uniform(1, 20), lambda: os.kill(pid, signal.SIGCONT), "paused")

    def _cut(self, victim: Victim) -> None:
        victim.wire.cut()
        self.struck["connections cut"] += 1

    def _deafen(self, victim: Victim) -> None:
        victim.wire.kill()
        self._until(victim, self.rng.uniform(1, 20), victim.wire.revive, "connections dead")

    def _stop_controllers(self, seconds: float) -> None:
        pid = self.cluster.components()[_CONTROLLERS]["pid"]
        os.kill(pid, signal.SIGSTOP)
        self.struck["controllers stopped"] += 1
        stopped = datetime.now(UTC)

        def resume() -> None:
            self.outages.append((stopped, datetime.now(UTC)))
            os.kill(pid, signal.SIGCONT)

        self._at(time.monotonic() + seconds, resume)

    def _restart_server(self) -> None:
        os.kill(self.cluster.components()[_SERVER]["pid"], signal.SIGKILL)
        self.struck["API server killed"] += 1

    def _until(self, victim: Victim, seconds: float, mend: Callable[[], None], kind: str) -> None:
        def end() -> None:
            mend()
            victim.busy = False

        victim.busy = True
        self.struck[kind] += 1
        self._at(time.monotonic() + seconds, end)

    def _at(self, when: float, act: Callable[[], None]) -> None:
        self._later.append((when, act))

    def _sleep(self, seconds: float) -> None:
        """Wait, and do meanwhile what is due."""
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            due = [each for each in self._later if each[0] <= now]
            self._later = [each for each in self._later if each[0] > now]
            for _, act in sorted(due, key=lambda each: each[0]):
                act()
            if now >= until:
                return
            time.sleep(0.05)  # faults have times of their own
