"""A whole cluster with its operators in virtual time, and the adversary among them."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from random import Random
from typing import Any

from launchplan_operator.api.kinds import Kind
from launchplan_operator.app import Operator, assemble
from launchplan_operator.settings import Settings
from tests.fake.api import FakeApi
from tests.fake.routing import Call
from tests.fake.store import Object
from tests.fake.virtual import START, seeded
from tests.sim.adversary import Adversary
from tests.sim.cluster import SimCluster
from tests.sim.loop import Process
from tests.sim.network import OUTSIDE, Network, SimTransport

NAMESPACES = ("default", "other")
#: Few workers: what races between many races between few as well.
SETTINGS = Settings(workers=4)


@dataclass(slots=True)
class Replica:
    """One operator and its process.

    Attributes:
        skew: seconds by which its wall clock is wrong.
        lives: how many processes it has had.
        wanted: whether it comes back when its process ended.
    """

    name: str
    process: Process
    operator: Operator | None = None
    skew: float = 0.0
    lives: int = 0
    wanted: bool = False


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
    """

    def __init__(self, seed: int, *, traced: bool = False) -> None:
        self.seed = seed
        self.trace: list[str] | None = [] if traced else None
        self.digest = blake2b(digest_size=8)
        self.api = FakeApi(clock=self.now, rng=stream(seed, "server"), namespaces=NAMESPACES)
        self.api._ownership = NoOwnership()  # type: ignore[assignment]  # stands in for one, in few of its ways
        self.adversary = Adversary(stream(seed, "adversary"))
        self.cluster = SimCluster(self.api, stream(seed, "cluster"))
        self.network = Network(self.api, self.adversary, self.kill, self.note)
        profile = self.adversary.profile
        self.replicas = [Replica(f"operator-{number}", Process("none")) for number in range(2)]
        for replica in self.replicas:
            replica.skew = self.adversary.between(-profile.skew, profile.skew)
            if replica.skew:
                self.adversary.strike("clock skew")
        self._rng = stream(seed, "processes")
        self.by_person = False

    def now(self) -> datetime:
        """Return the true time."""
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def note(self, line: str) -> None:
        """Add a line to the trace."""
        text = f"{asyncio.get_running_loop().time():.3f} {line}"
        self.digest.update(text.encode())
        if self.trace is not None:
            self.trace.append(text)

    def start(self, replica: Replica) -> None:
        """Start an operator with empty caches."""
        if not replica.wanted or (replica.lives and not replica.process.ended):
            return
        replica.lives += 1
        process = Process(f"{replica.name}.{replica.lives}")
        transport = SimTransport(self.network, process)

        def clock() -> datetime:
            return self.now() + timedelta(seconds=replica.skew)

        operator = assemble(SETTINGS, transport, clock=clock, rng=seeded(self._rng.getrandbits(32)))
        replica.operator, replica.process = operator, process
        self.note(f"start {process.name}")
        process.start(run_operator(operator))

    def kill(self, process: Process, away: float | None = None) -> None:
        """Kill a process; its replica comes back after a while."""
        if process.dead:
            return
        self.note(f"kill {process.name}")
        process.kill()
        self.network.hang_up(process)
        replica = next(each for each in self.replicas if each.process is process)
        if not replica.wanted:
            return
        pause = away if away is not None else self._rng.choice((0.5, 2.0, 5.0, 30.0, 90.0, 400.0))
        asyncio.get_running_loop().call_later(pause, self.start, replica, context=OUTSIDE)

    def hand_over(self, leader: Replica, successor: Replica) -> None:
        """Let another replica be the one that comes back."""
        leader.wanted, successor.wanted = False, True
        self.start(successor)

    @property
    def leader(self) -> Replica:
        """The replica that comes back when it dies."""
        return next(each for each in self.replicas if each.wanted)

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
        self.note(f"{who} {method} {path} {body}")
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


def stream(seed: int, purpose: str) -> Random:
    """Return a source of chance of its own for each purpose, so that one's use does not change another's."""
    digest = blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    return seeded(int.from_bytes(digest, "big"))


async def run_operator(operator: Operator) -> None:
    """Run with our own watcher for all kinds, as the level below kopf."""
    async with asyncio.TaskGroup() as group:
        for reflector in operator.reflectors:
            group.create_task(reflector.run())
        for reflector in operator.reflectors:
            await reflector.synced.wait()
        group.create_task(operator.recorder.run())
        group.create_task(operator.queue.run())


def quiet_logs() -> None:
    """Let the operator log nothing: a search has no reader for it."""
    logging.disable(logging.CRITICAL)
