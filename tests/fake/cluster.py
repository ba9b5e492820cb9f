"""The fake API server with its controllers: a cluster that moves when it is told to."""

from tests.fake.api import FakeApi
from tests.fake.cronjobs import CronJobController, NextSlot
from tests.fake.jobs import JobController
from tests.fake.kubelet import Kubelet


class FakeCluster:
    """An API server, the CronJob and Job controllers, a node and the garbage collector.

    Args:
        api: The server.
        next_slot: How the CronJob controller reads schedules.
    """

    def __init__(self, api: FakeApi, next_slot: NextSlot) -> None:
        self.api = api
        self.cron_jobs = CronJobController(api, next_slot)
        self.jobs = JobController(api)
        self.kubelet = Kubelet(api)

    def tick(self) -> None:
        """Let every controller look once, at the server's time; pods neither start nor end by themselves."""
        now = self.api.clock()
        self.cron_jobs.tick(now)
        self.jobs.tick(now)
        self.kubelet.let_go()
        self.jobs.tick(now)
        self.api.collect_garbage()
