"""A fake cluster whose time moves by hand."""

from datetime import UTC, datetime, timedelta

from launchplan_operator.api.kinds import CRON_JOBS, JOBS
from tests.fake import FakeApi
from tests.fake.cluster import FakeCluster
from tests.fake.store import Object

START = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def next_minute(_cron: str, _zone: str, after: datetime) -> datetime:
    """Fire every minute."""
    return after.replace(second=0, microsecond=0) + timedelta(minutes=1)


class World:
    """A cluster whose time moves by hand."""

    def __init__(self) -> None:
        self.now = START
        self.api = FakeApi(clock=lambda: self.now)
        self.cluster = FakeCluster(self.api, next_minute)

    def tick(self, seconds: float = 0) -> None:
        """Let time pass, then let every controller look."""
        self.now += timedelta(seconds=seconds)
        self.cluster.tick()

    def job(self, name: str = "a", **spec: object) -> Object:
        """Create a Job."""
        meta = {"name": name, "namespace": "default"}
        body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template()} | spec}
        return self.api.do("POST", JOBS.path("default"), body)

    def cron_job(self, **spec: object) -> Object:
        """Create a CronJob."""
        meta = {"name": "cron", "namespace": "default"}
        job = {
            "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
            "spec": {"template": template(), "backoffLimit": 0},
        }
        body = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta}
        body |= {"spec": {"schedule": "* * * * *", "jobTemplate": job} | spec}
        return self.api.do("POST", CRON_JOBS.path("default"), body)

    def status(self, name: str = "a") -> Object:
        """Return a Job's status."""
        job = self.api.store.get(JOBS, ("default", name))
        assert job is not None
        status: Object = job["status"]
        return status

    def jobs(self) -> list[str]:
        """Return the names of all Jobs."""
        return [job["metadata"]["name"] for job in self.api.store.of(JOBS)]

    def cron_status(self) -> Object:
        """Return the CronJob's status."""
        status: Object = self.api.store.of(CRON_JOBS)[0]["status"]
        return status


def template() -> Object:
    """Return a pod template."""
    return {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1"}]}}


def conditions(status: Object) -> list[tuple[str, str, str]]:
    """Return type, value and reason of each condition."""
    return [(each["type"], each["status"], each["reason"]) for each in status["conditions"]]
