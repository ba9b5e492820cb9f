"""A whole cluster with its operators in virtual time, and the adversary among them."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any

from launchplan_operator.api.kinds import Kind
from launchplan_operator.app import Operator, assemble
from launchplan_operator.kube.client import Client
from launchplan_operator.kube.elector import CALL_SECONDS, Elector
from launchplan_operator.settings import Settings
from tests.fake.api import FakeApi
from tests.fake.routing import Call
from tests.fake.store import Object
from tests.fake.virtual import START, seeded
from tests.sim.adversary import Adversary
from tests.sim.cluster import SimCluster
from tests.sim.loop import Process
from tests.sim.network import OUTSIDE, Network, Note, SimTransport
from tests.sim.replica import Replica, is_expected, run_operator

if TYPE_CHECKING:
    from tests.sim.tastes import Taste

#: Where the plans are, a few of them, and those who refer to them.
PLANS_HOME, OTHER, ASKING = "default", "other-side", "asking"
NAMESPACES = (PLANS_HOME, OTHER, ASKING)
#: How often the operators elect a leader, and how often two of them do.
_ELECTED, _TWO = 0.6, 0.8
#: In how many worlds people refer to plans.
_REFERRING = 0.35
#: Seconds until a process that ended is there again.
_PAUSES = (0.5, 2.0, 5.0, 30.0, 90.0, 400.0)
#: Few workers: what races between many races between few as well.
SETTINGS = Settings(workers=4)


class NoOwnership:
    """Nobody applies here: who owns which field need not be known."""

    def note(self, call: Call, new: Object, old: Object | None) -> None:
        """Note nothing."""

    def merge(self, call: Call, body: Object, live: Object) -> Object:
        """Refuse to know."""
        raise AssertionError(f"server-side apply of {call.target} is not simulated: {body} {live}")


class World:
    """The cluster and its operators.

    Attributes:
        trace: one line for each thing that happened; kept only if asked for.
        digest: of all those lines, kept or not.
        by_person: whether the server works at a person's call.
        elected: whether the operators elect a leader; else one is alone, and a second comes only in its place.
        failed: told of a process that ended by itself and should not have.
        inclined: what all people like, if it is not left to the seed.
        referring: whether people refer to plans from elsewhere.
        lasts_at_least: how long its people live at least, in seconds.
        troubled: when a process last began, ended or woke, in seconds.
    """

    def __init__(self, seed: int, *, traced: bool = False) -> None:
        self.seed = seed
        self.trace: list[str] | None = [] if traced else None
        self.digest = blake2b(digest_size=8)
        self.api = FakeApi(clock=self.now, rng=stream(seed, "server"), namespaces=NAMESPACES)
        self.api._ownership = NoOwnership()  # type: ignore[assignment]  # stands in for one, in few of its ways
        self.adversary = Adversary(stream(seed, "adversary"), stream(seed, "zeal"))
        self.cluster = SimCluster(self.api, stream(seed, "cluster"))
        self.network = Network(self.api, self.adversary, self.kill, self.note)
        profile = self.adversary.profile
        self.replicas = [Replica(f"operator-{number}", Process("none")) for number in range(2)]
        for replica in self.replicas:
            replica.skew = self.adversary.between(-profile.skew, profile.skew)
            if replica.skew:
                self.adversary.strike("clock skew")
        self._rng = stream(seed, "processes")
        self.elected = self._rng.random() < _ELECTED
        self.by_person = False
        self.failed: Note = self.note
        self.inclined: Taste | None = None
        self.referring = stream(seed, "references").random() < _REFERRING
        self.troubled = 0.0
        self.lasts_at_least = 0.0

    def now(self) -> datetime:
        """Return the true time."""
        return self.at(asyncio.get_running_loop().time())

    def at(self, seconds: float) -> datetime:
        """Return the true time of a time of the loop."""
        return START + timedelta(seconds=seconds)

    def note(self, line: str) -> None:
        """Add a line to the trace."""
        text = f"{asyncio.get_running_loop().time():.3f} {line}"
        self.digest.update(text.encode())
        if self.trace is not None:
            self.trace.append(text)

    def start_first(self) -> None:
        """Start the operators that the seed has from the beginning."""
        self.replicas[0].wanted = True
        self.replicas[1].wanted = self.elected and self._rng.random() < _TWO
        for replica in self.replicas:
            self.start(replica)

    def start(self, replica: Replica) -> None:
        """Start an operator with empty caches."""
        if not replica.wanted or (replica.lives and not replica.process.ended):
            return
        replica.lives += 1
        process = Process(f"{replica.name}.{replica.lives}")
        replica.operator, replica.process = self._assemble(replica, process), process
        self.note(f"start {process.name}")
        self.troubled = asyncio.get_running_loop().time()
        process.start(run_operator(replica.operator), partial(self._ended, replica, process))

    def _assemble(self, replica: Replica, process: Process) -> Operator:
        transport = SimTransport(self.network, process)

        def clock() -> datetime:
            return self.now() + timedelta(seconds=replica.skew)

        elector = None
        if self.elected:
            client = Client(SimTransport(self.network, process), timeout=CALL_SECONDS)
            rng = seeded(self._rng.getrandbits(32))
            elector = Elector(client, "default", "launchplan-operator", process.name, clock=clock, rng=rng)
        rng = seeded(self._rng.getrandbits(32))
        return assemble(SETTINGS, transport, clock=clock, rng=rng, elector=elector)

    def _ended(self, replica: Replica, process: Process) -> None:
        """Let a process that came to its end by itself come back."""
        if process.dead:
            return
        self.note(f"{process.name} ended: {process.failure()!r}")
        if not is_expected(process.failure()):
            self.failed(f"{process.name} ended by itself: {process.failure()!r}")
        self.network.hang_up(process)
        self._come_back(replica)

    def kill(self, process: Process, away: float | None = None) -> None:
        """Kill a process; its replica comes back after a while."""
        if process.ended:
            # It ended by itself while a call of its was on the way, and its replica comes back anyway.
            return
        self.note(f"kill {process.name}")
        self.troubled = asyncio.get_running_loop().time()
        process.kill()
        self.network.hang_up(process)
        self._come_back(next(each for each in self.replicas if each.process is process), away)

    def _come_back(self, replica: Replica, away: float | None = None) -> None:
        if replica.wanted:
            pauses = _PAUSES if self.adversary.active else _PAUSES[:1]
            pause = away if away is not None else self._rng.choice(pauses)
            asyncio.get_running_loop().call_later(pause, self.start, replica, context=OUTSIDE)

    def hand_over(self, leader: Replica, successor: Replica) -> None:
        """Let another replica be the one that comes back."""
        leader.wanted, successor.wanted = False, True
        self.start(successor)

    @property
    def leader(self) -> Replica:
        """The replica that leads; where none does, one that may come to it."""
        wanted = [each for each in self.replicas if each.wanted]
        return next((each for each in wanted if each.leads), wanted[0])

    def die_suddenly(self, replica: Replica) -> None:
        """Let a process die at some step soon, whatever it does then."""
        process = replica.process
        last = process.steps + self._rng.randrange(1, 60)

        def on_step(steps: int) -> None:
            if steps >= last and not process.dead and self.adversary.active:
                self.adversary.strike("crash between calls")
                self.kill(process)

        process.on_step = on_step

    def do(self, who: str, method: str, path: str, body: Any = None) -> Object:
        """Make a person's call; raises what the server refuses."""
        told = (body or {}).get("spec", body)
        self.note(f"{who} {method} {path} {(body or {}).get('metadata', {}).get('name', '')} {told}")
        self.by_person = True
        try:
            return self.api.do(method, path, body)
        finally:
            self.by_person = False

    def all(self, kind: Kind) -> list[Object]:
        """Return all objects of a kind."""
        return self.api.store.of(kind)

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object, not to be changed."""
        return self.api.store.get(kind, (namespace, name))

    def stop(self) -> None:
        """End all processes for good."""
        for replica in self.replicas:
            replica.process.kill()


def place_of(obj: Object) -> tuple[str, str]:
    """Return an object's namespace and name."""
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def stream(seed: int, purpose: str) -> Random:
    """Return a source of chance of its own for each purpose, so that one's use does not change another's."""
    digest = blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    return seeded(int.from_bytes(digest, "big"))
