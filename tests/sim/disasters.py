"""What befalls whole processes and the cluster's own parts, at times that the seed draws."""

import asyncio
from collections.abc import Callable
from functools import partial

from tests.sim.loop import Process
from tests.sim.network import OUTSIDE
from tests.sim.replica import Replica
from tests.sim.world import World, stream

#: Seconds by which a clock is wrong at most.
_CLOCKS = 5.0


class Disasters:
    """Pauses, clocks, restarts and outages of one seed."""

    def __init__(self, world: World, until: float) -> None:
        self._world = world
        self._until = until
        self._rng = stream(world.seed, "disasters")

    def arrange(self) -> None:
        """Set all alarms."""
        profile = self._world.adversary.profile
        plan: tuple[tuple[int, Callable[[], None]], ...] = (
            (profile.sudden, self._sudden_death),
            (profile.stops, self._stop),
            (profile.pauses, self._pause),
            (profile.clocks, self._step_clock),
            (profile.restarts, self._restart_server),
            (profile.outages, self._outage),
            (profile.doubles, self._two_leaders),
            (profile.nodes, self._lose_node),
        )
        for times, disaster in plan:
            for _ in range(times):
                self._at(self._rng.uniform(1.0, self._until), disaster)
        if profile.sleep:
            self._at(self._rng.uniform(30.0, max(31.0, self._until - profile.sleep)), self._pause)

    def end(self) -> None:
        """Let everything go on, and one operator alone: what others may do was seen by now, and costs time."""
        world = self._world
        last = world.leader
        for replica in world.replicas:
            replica.process.thaw()
            replica.skew = 0.0
            if replica is not last:
                replica.wanted = False
                world.kill(replica.process)
        world.start(last)
        world.cluster.calm_down()

    def _at(self, when: float, what: Callable[..., None], *arguments: object) -> None:
        asyncio.get_running_loop().call_at(when, what, *arguments, context=OUTSIDE)

    def _in(self, seconds: float, what: Callable[..., None], *arguments: object) -> None:
        now = asyncio.get_running_loop().time()
        self._at(min(now + seconds, self._until), what, *arguments)

    def _sudden_death(self) -> None:
        self._world.die_suddenly(self._world.leader)

    def _stop(self) -> None:
        """Tell a process to end, which lets go of its Lease."""
        process = self._world.leader.process
        if not process.ended and not process.frozen:
            self._strike("process told to end")
            process.stop()

    def _pause(self) -> None:
        """Stop the leader as it sends a write, which may arrive minutes later; another may lead meanwhile."""
        leader = self._world.leader
        if leader.process.ended or leader.process.frozen:
            return
        writes = self._rng.choice((0, 1, 1, 2, 5))
        self._world.network.count_down(leader.process, writes, partial(self._freeze, leader))

    def _freeze(self, leader: Replica) -> None:
        process = leader.process
        if process.ended or process.frozen or not self._world.adversary.active:
            return
        self._strike("paused process")
        process.freeze()
        seconds = self._rng.choice((self._rng.uniform(5.0, 60.0), self._rng.uniform(20.0, 800.0)))
        seconds = self._world.adversary.profile.sleep or seconds
        if self._rng.random() < 0.6:
            self._world.network.detain(process, seconds + self._rng.uniform(-5.0, 300.0))
        self._in(seconds, self._wake, process)

    def _wake(self, process: Process) -> None:
        process.thaw()
        self._world.troubled = asyncio.get_running_loop().time()

    def _two_leaders(self) -> None:
        """Where nobody is elected, let a second one work beside the first for a while, as when a Deployment is changed."""
        leader = self._world.leader
        if self._world.elected:
            return
        self._strike("two leaders")
        self._take_over(leader)
        self._in(self._rng.uniform(1.0, 200.0), self._lay_down, leader)

    def _take_over(self, leader: Replica) -> None:
        other = next(each for each in self._world.replicas if each is not leader)
        if leader is self._world.leader:
            self._world.hand_over(leader, other)

    def _lay_down(self, leader: Replica) -> None:
        if not leader.wanted:
            self._world.kill(leader.process)

    def _step_clock(self) -> None:
        self._strike("clock step")
        leader = self._world.leader
        leader.skew = max(-_CLOCKS, min(_CLOCKS, leader.skew + self._rng.uniform(-_CLOCKS, _CLOCKS)))

    def _restart_server(self) -> None:
        self._strike("server restart")
        for open_stream in list(self._world.network.streams):
            if self._rng.random() < 0.5:
                self._strike("watch cut")
                open_stream.cut()
        self._world.api.break_watches()
        if self._rng.random() < 0.6:
            self._strike("history compacted")
            self._world.api.store.compact()

    def _outage(self) -> None:
        cluster = self._world.cluster
        # Half of them last longer than a CronJob's controller looks back.
        seconds = self._rng.choice((self._rng.uniform(20.0, 420.0), self._rng.uniform(340.0, 600.0)))
        if self._rng.random() < 0.7:
            self._strike("controllers stopped")
            cluster.controllers_run = False
            self._in(seconds, self._controllers_back)
            return
        self._strike("kubelet stopped")
        cluster.kubelet_runs = False
        self._in(seconds, self._kubelet_back)

    def _lose_node(self) -> None:
        """Lose a node, whose pods are deleted by nobody but those who own them, and hear of it again or remove it."""
        self._strike("node lost")
        node = self._world.cluster.lose_node()
        found = partial(self._world.cluster.find_node, node, removed=self._rng.random() < 0.5)
        self._in(self._rng.uniform(20.0, 400.0), found)

    def _controllers_back(self) -> None:
        self._world.cluster.controllers_run = True

    def _kubelet_back(self) -> None:
        self._world.cluster.kubelet_runs = True

    def _strike(self, kind: str) -> None:
        self._world.note(kind)
        self._world.adversary.strike(kind)
