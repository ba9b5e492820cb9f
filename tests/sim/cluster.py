"""The cluster around the operators: its controllers move when something changed, pods live as the seed says."""

import asyncio
import math
from datetime import datetime
from functools import lru_cache
from random import Random

from launchplan_operator.api.kinds import CRON_JOBS, EVENTS, JOBS, LEASES, PODS
from launchplan_operator.decide.schedule import next_slots, read_timetable
from tests.fake.api import FakeApi
from tests.fake.cluster import FakeCluster
from tests.fake.store import Change, Name, Object

#: Seconds between two looks of a controller that has something to do, and of one that has not.
_BUSY, _IDLE = 1.0, 10.0
#: What a pod says at its end, as (message, exit code); by far most end well.
_ENDS = (('{"greeting": "hi"}', 0),) * 12 + (("no", 1), ("not json", 0), ('{"greeting": 5}', 0), ("", 0))
_DONE = ("Succeeded", "Failed")
_NODES = ("node-0", "node-1", "node-2")
#: Seconds that pods last, as a seed has it; and at the end of all.
_LASTS: tuple[tuple[float, ...], ...] = ((0.0, 0.0, 3.0, 10.0, 40.0, 130.0), (3.0, 40.0, 130.0, 170.0))
#: Seconds until a pod that is deleted has ended.
_GRACE = (0.0, 0.0, 0.0, 5.0, 20.0)
_CALM = (0.0, 3.0, 10.0, 30.0)


@lru_cache(maxsize=4096)
def _next_slot(text: str, zone: str, after: datetime) -> datetime | None:
    timetable = read_timetable(text, zone)
    return next(iter(next_slots(timetable, after, 1)), None) if timetable else None


def _makes_garbage(change: Change) -> bool:
    """Tell whether the collector may have something to do after a change: owners came or went."""
    if change.after is None or change.before is None:
        return True
    meta = change.after["metadata"]
    return "deletionTimestamp" in meta or meta.get("ownerReferences") != change.before["metadata"].get(
        "ownerReferences"
    )


class SimCluster:
    """The controllers and some nodes.

    Attributes:
        controllers_run: whether the controller-manager is up.
        kubelet_runs: whether pods begin and end.
        lasts: the seconds that a pod may last.
    """

    def __init__(self, api: FakeApi, rng: Random) -> None:
        self.api = api
        self.controllers_run = True
        self.kubelet_runs = True
        self.lasts: tuple[float, ...] = rng.choice(_LASTS)
        self._cluster = FakeCluster(api, _next_slot)
        self._rng = rng
        self._pods: dict[Name, tuple[float, float, tuple[str, int]]] = {}
        self._dying = math.inf
        self._dirty = True
        self._garbage = True
        self._cron_due = 0.0
        api.store.listeners.append(self._noticed)

    async def run(self) -> None:
        """Move until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            until_minute = 60.0 - now % 60.0 + 0.2
            await asyncio.sleep(_BUSY if self._dirty else min(_IDLE, until_minute, self._next_pod(now)))
            self.tick()

    def tick(self) -> None:
        """Let whatever runs look once."""
        self._dirty = False
        loop_time = asyncio.get_running_loop().time()
        if self.kubelet_runs:
            self._live(loop_time)
        if not self.controllers_run:
            return
        now = self.api.clock()
        if loop_time >= self._cron_due:
            self._cluster.cron_jobs.tick(now)
            self._cron_due = loop_time - loop_time % 60.0 + 60.0
        self._cluster.jobs.tick(now)
        if loop_time >= self._dying:
            self._dying = math.inf
            self._cluster.kubelet.let_go()
            self._cluster.jobs.tick(now)
        if self._garbage:
            self._garbage = False
            self.api.collect_garbage()

    def _noticed(self, change: Change) -> None:
        if change.kind in (EVENTS, LEASES):
            return
        self._dirty = True
        meta = (change.after or change.before or {})["metadata"]
        name = (meta.get("namespace", ""), meta["name"])
        if change.kind in {JOBS, CRON_JOBS}:
            self._cron_due = 0.0
        elif change.kind == PODS:
            self._notice_pod(name, change.after)
        self._garbage = self._garbage or _makes_garbage(change)

    def _notice_pod(self, name: Name, pod: Object | None) -> None:
        if pod is None or pod["status"]["phase"] in _DONE:
            self._pods.pop(name, None)
        elif name not in self._pods:
            starts = asyncio.get_running_loop().time() + self._rng.choice((0.0, 1.0, 4.0))
            lasts = self._rng.choice(self.lasts)
            self._pods[name] = (starts, starts + lasts, self._rng.choice(_ENDS))
        if pod is None:
            return
        if "deletionTimestamp" in pod["metadata"] and self._dying == math.inf:
            self._dying = asyncio.get_running_loop().time() + self._rng.choice(_GRACE)

    def _live(self, now: float) -> None:
        """Start and end pods whose time has come."""
        for name, (starts, ends, how) in sorted(self._pods.items()):
            pod, kubelet = self.api.store.get(PODS, name), self._cluster.kubelet
            if pod is None or pod["spec"].get("nodeName") in kubelet.lost:
                continue
            if now >= starts and "nodeName" not in pod["spec"]:
                if "deletionTimestamp" in pod["metadata"] or not (node := self._free_node()):
                    continue
                kubelet.start(pod, node)
            if now >= ends:
                kubelet.finish(pod, *how)

    def _free_node(self) -> str:
        left = [node for node in _NODES if node not in self._cluster.kubelet.lost]
        return self._rng.choice(left) if left else ""

    def lose_node(self) -> str:
        """Hear nothing more of a node; returns which."""
        node = self._rng.choice(_NODES)
        self._cluster.kubelet.lose_node(node)
        return node

    def find_node(self, node: str, *, removed: bool) -> None:
        """Hear of a lost node again, or remove it for good."""
        if removed:
            self._cluster.kubelet.remove_node(node)
        self._cluster.kubelet.recover_node(node)
        self._dying, self._dirty = 0.0, True

    def calm_down(self) -> None:
        """Let all parts run, and pods end soon."""
        self.controllers_run = self.kubelet_runs = True
        self.lasts = _CALM
        for node in _NODES:
            self.find_node(node, removed=False)

    def _next_pod(self, now: float) -> float:
        """Return the seconds until a pod starts or ends."""
        if not self.kubelet_runs:
            return _IDLE
        times = [time for starts, ends, _ in self._pods.values() for time in (starts, ends) if time > now]
        times.append(self._dying)
        return max(0.01, min(times) - now)
