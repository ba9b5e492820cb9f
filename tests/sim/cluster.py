"""The cluster around the operators: its controllers move when something changed, pods live as the seed says."""

import asyncio
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
    """The controllers and one node.

    Attributes:
        controllers_run: whether the controller-manager is up.
        kubelet_runs: whether pods begin and end.
    """

    def __init__(self, api: FakeApi, rng: Random) -> None:
        self.api = api
        self.controllers_run = True
        self.kubelet_runs = True
        self._cluster = FakeCluster(api, _next_slot)
        self._rng = rng
        self._pods: dict[Name, tuple[float, float, tuple[str, int]]] = {}
        self._dying = False
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
        if self._dying:
            self._dying = False
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
            lasts = self._rng.choice((0.0, 0.0, 3.0, 10.0, 40.0, 130.0))
            self._pods[name] = (starts, starts + lasts, self._rng.choice(_ENDS))
        if pod is None:
            return
        self._dying = self._dying or "deletionTimestamp" in pod["metadata"]

    def _live(self, now: float) -> None:
        """Start and end pods whose time has come."""
        for name, (starts, ends, how) in sorted(self._pods.items()):
            pod = self.api.store.get(PODS, name)
            if pod is None or ("deletionTimestamp" in pod["metadata"] and "nodeName" not in pod["spec"]):
                continue
            if now >= ends:
                self._cluster.kubelet.finish(pod, *how)
            elif now >= starts and "nodeName" not in pod["spec"]:
                self._cluster.kubelet.start(pod)

    def _next_pod(self, now: float) -> float:
        """Return the seconds until a pod starts or ends."""
        if not self.kubelet_runs:
            return _IDLE
        times = (time for starts, ends, _ in self._pods.values() for time in (starts, ends) if time > now)
        return max(0.01, min(times, default=now + _IDLE) - now)
