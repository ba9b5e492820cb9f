"""A cluster in memory with the operator in it: both move in virtual time, and the operator may crash at any write."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.app import Operator, assemble
from launchplan_operator.decide.schedule import next_slots, read_timetable
from launchplan_operator.settings import Settings
from tests.fake.api import FakeApi
from tests.fake.cluster import FakeCluster
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call
from tests.fake.store import Object, copy
from tests.fake.transport import InProcessTransport
from tests.fake.virtual import seeded, virtual_now

NAMESPACE = "default"
#: What a pod of the test workflow says at its end.
MESSAGE = '{"greeting": "hi"}'
KINDS = {kind.kind: kind for kind in (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS, CRON_JOBS, JOBS)}


def workflow(**spec: Any) -> Object:
    """Return a workflow that takes a name and gives a greeting."""
    interface = {
        "inputs": [{"name": "name", "type": "string"}, {"name": "times", "type": "integer", "default": 1}],
        "outputs": [{"name": "greeting", "type": "string"}],
    }
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
    job = {"backoffLimit": 0, "template": {"spec": pod}}
    return _manifest(WORKFLOW_DEFINITIONS, "greet", {"interface": interface, "job": job} | spec)


def plan(cron: str | None = "* * * * *", **spec: Any) -> Object:
    """Return an active plan of that workflow, scheduled unless `cron` is None."""
    schedule = {"schedule": {"cron": cron}} if cron else {}
    base = {"workflowRef": {"name": "greet"}, "defaultInputs": {"name": "world"}, "autoActivate": True}
    return _manifest(LAUNCH_PLANS, "hello", base | schedule | spec)


def run(name: str = "by-hand", **spec: Any) -> Object:
    """Return an execution of that plan."""
    return _manifest(LAUNCH_PLAN_EXECUTIONS, name, {"launchPlanRef": {"name": "hello"}} | spec)


def job_of_a_person(name: str) -> dict[str, Any]:
    """Return a Job that somebody made."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}


def _manifest(kind: Kind, name: str, spec: dict[str, Any]) -> Object:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}


class World:
    """The cluster and at most one operator.

    Attributes:
        jobs_made: how often a Job of each name was created, ever.
        settings: the operator's, from its next start on.
        pods_end: whether pods end by themselves.
    """

    def __init__(self) -> None:
        self.api = FakeApi(clock=virtual_now)
        self.cluster = FakeCluster(self.api, next_slot)
        self.jobs_made: Counter[str] = Counter()
        self.outcome: dict[str, Any] = {"message": MESSAGE, "exit_code": 0}
        self.cluster_moves = True
        self.pods_end = True
        self.settings = Settings()
        self._operator: Operator | None = None
        self._task: asyncio.Task[None] | None = None
        self._seen: set[str] = set()

    async def start(self) -> None:
        """Start an operator with empty caches and wait until it rests."""
        operator = assemble(self.settings, InProcessTransport(self.api), clock=virtual_now, rng=seeded(1))
        self._operator = operator
        self._task = asyncio.create_task(_run(operator))
        await self.settle()

    async def crash(self) -> None:
        """End the operator in the middle of whatever it does."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._task = self._operator = None

    async def settle(self) -> None:
        """Give the operator two seconds."""
        await asyncio.sleep(2)

    async def advance(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass; the cluster's controllers look once a step, and pods end a step after they began."""
        for _ in range(int(seconds / step)):
            await asyncio.sleep(step)
            if self.cluster_moves:
                self.tick()

    def tick(self) -> None:
        """Let the cluster move once, and the pods end."""
        if self.pods_end:
            self.cluster.kubelet.run_all(**self.outcome)
        self.cluster.tick()
        self.note_jobs()

    def note_jobs(self) -> None:
        """Count Jobs that were not there before."""
        for job in self.all(JOBS):
            if job["metadata"]["uid"] not in self._seen:
                self._seen.add(job["metadata"]["uid"])
                self.jobs_made[job["metadata"]["name"]] += 1

    def create(self, obj: Object) -> Object:
        """Create an object as a person does."""
        kind = KINDS[obj["kind"]]
        return self.api.do("POST", kind.path(NAMESPACE), copy(obj))

    def edit(self, kind: Kind, name: str, **spec: Any) -> Object:
        """Merge into an object's spec as a person does."""
        return self.api.do("PATCH", kind.path(NAMESPACE, name), {"spec": spec})

    def delete(self, kind: Kind, name: str, propagation: str = "Background") -> None:
        """Delete an object as a person does."""
        self.api.do("DELETE", kind.path(NAMESPACE, name), {"propagationPolicy": propagation})
        self.api.collect_garbage()

    def get(self, kind: Kind, name: str) -> Object:
        """Return an object; it must exist."""
        found = self.api.store.get(kind, (NAMESPACE, name))
        assert found is not None, f"no {kind.kind} {name}"
        return found

    def all(self, kind: Kind) -> list[Object]:
        """Return all objects of a kind, by name."""
        return self.api.store.of(kind)

    def names(self, kind: Kind) -> list[str]:
        """Return the names of all objects of a kind."""
        return [obj["metadata"]["name"] for obj in self.all(kind)]

    @property
    def status(self) -> dict[str, Any]:
        """The plan's status."""
        status: dict[str, Any] = self.get(LAUNCH_PLANS, "hello").get("status") or {}
        return status

    def ready(self, kind: Kind = LAUNCH_PLANS, name: str = "hello") -> tuple[str, str, str]:
        """Return (Ready, Stalled, reason of Ready) of an object."""
        conditions = {c["type"]: c for c in self.get(kind, name)["status"]["conditions"]}
        return conditions["Ready"]["status"], conditions["Stalled"]["status"], conditions["Ready"]["reason"]

    def writes_since(self, mark: int) -> list[str]:
        """Return the operator's writes after the first `mark` calls, events left out."""
        calls = [call for call, _ in self.api.log[mark:] if call.writes and call.kind.plural != "events"]
        return [f"{call.verb} {call.target}" for call in calls]


def crash_at(world: World, write: int, *, applied: bool) -> Callable[[], bool]:
    """Let the operator die at its n-th write from now on, before or after the server did it.

    Returns what tells whether it came to that. The connection of the dead hangs: nothing it would do is ever seen.
    """
    seen = 0

    def fault(call: Call) -> Fault | None:
        nonlocal seen
        if not call.writes or call.kind.plural == "events":
            return None
        seen += 1
        if seen < write:
            return None
        return Fault(Lost.HANGS, applied=applied and seen == write)

    world.api.faults = fault
    return lambda: seen >= write


def next_slot(text: str, zone: str, after: datetime) -> datetime | None:
    """Read a schedule as the operator does: the model of the CronJob controller has no other reading."""
    timetable = read_timetable(text, zone)
    return next(iter(next_slots(timetable, after, 1)), None) if timetable else None


async def _run(operator: Operator) -> None:
    """Run with our own watcher for all kinds: kopf is no part of this level."""
    async with asyncio.TaskGroup() as group:
        for reflector in operator.reflectors:
            group.create_task(reflector.run())
        for reflector in operator.reflectors:
            await reflector.synced.wait()
        group.create_task(operator.work())
