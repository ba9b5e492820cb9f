"""The fake API server with its controllers: a cluster that moves when it is told to."""

from tests.fake.api import FakeApi
from tests.fake.cronjobs import CronJobController, NextSlot
from tests.fake.jobs import JobController
from tests.fake.kubelet import Kubelet


class FakeCluster:
    """An API server, the CronJob and Job controllers, the garbage collector and the nodes.

    Nothing here draws lots or waits: who ticks it decides when each part moves.

    Args:
        api: The server.
        next_slot: How the CronJob controller reads schedules.

    Attributes:
        stopped: The parts that do not move: `kubelet` and any of `MANAGED`.
        kubelet: The nodes.
        cron_jobs: The CronJob controller; its `view` can be frozen.
        jobs: The Job controller; its `view` can be frozen.
    """

    #: What stops together where the controller-manager does.
    MANAGED = frozenset({"cronjobs", "jobs", "collector"})

    def __init__(self, api: FakeApi, next_slot: NextSlot) -> None:
        self.api = api
        self.stopped: set[str] = set()
        self.kubelet = Kubelet(api)
        self._next_slot = next_slot
        self.restart()

    def restart(self) -> None:
        """Start the controllers anew, with empty caches and without memory, as a restarted controller-manager."""
        self.cron_jobs = CronJobController(self.api, self._next_slot)
        self.jobs = JobController(self.api)

    def tick(self) -> None:
        """Let every part look once, at the server's time; pods neither start nor end by themselves."""
        for part in ("cronjobs", "jobs", "kubelet", "jobs", "collector"):
            self.move(part)

    def move(self, part: str) -> None:
        """Let one part look once, unless it is stopped."""
        if part in self.stopped:
            return
        now = self.api.clock()
        if part == "cronjobs":
            self.cron_jobs.tick(now)
        elif part == "jobs":
            self.jobs.tick(now)
        elif part == "kubelet":
            self.kubelet.let_go()
        else:
            self.api.collect_garbage()
